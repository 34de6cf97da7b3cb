//! The outbox: what would have been sent, on a developer's machine.

use axum::extract::State;

use crate::app::App;
use crate::caller::Caller;
use crate::client::Client;
use crate::errors::{Fault, Result, catalogue};
use crate::templates::{Chrome, OutboxPage, Page};

/// `GET /outbox`. Not there where letters are sent, or others could look.
pub(crate) async fn show(
    State(app): State<App>,
    caller: Option<Caller>,
    client: Client,
) -> Result<Page<OutboxPage>> {
    // Its links open accounts: with HOST=0.0.0.0 the whole network could look.
    let letters = app.mailer.outbox().filter(|_| client.address.to_canonical().is_loopback());
    let letters = letters.ok_or_else(|| Fault::new(catalogue::NOT_FOUND))?;
    Ok(Page(OutboxPage { chrome: Chrome::new(&app, caller.as_ref()), letters }))
}
