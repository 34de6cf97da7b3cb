//! The outbox: what would have been sent, on a developer's machine.

use axum::extract::State;

use crate::app::App;
use crate::caller::Caller;
use crate::errors::{Fault, Result, catalogue};
use crate::templates::{Chrome, OutboxPage, Page};

/// `GET /outbox`. Not there where letters are sent, or others could look.
pub(crate) async fn show(
    State(app): State<App>,
    caller: Option<Caller>,
) -> Result<Page<OutboxPage>> {
    let letters = app.mailer.outbox().ok_or_else(|| Fault::new(catalogue::NOT_FOUND))?;
    Ok(Page(OutboxPage { chrome: Chrome::new(&app, caller.as_ref()), letters }))
}
