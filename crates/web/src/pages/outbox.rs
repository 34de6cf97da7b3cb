//! The outbox: what would have been sent, on a developer's machine.

use askama::Template;
use axum::extract::State;
use http::{HeaderMap, header};
use latchkey_axum::{AppError, Caller, Client, HandlerResult, catalogue};

use crate::app::App;
use crate::layout::Layout;
use crate::mail::EmailMessage;
use crate::page::Page;

#[derive(Debug, Template)]
#[template(path = "outbox.html")]
pub(crate) struct OutboxPage {
    layout: Layout,
    emails: Vec<EmailMessage>,
}

/// `GET /outbox`. Not there where e-mails are sent, or others could look.
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<Caller>,
    client: Client,
    headers: HeaderMap,
) -> HandlerResult<Page<OutboxPage>> {
    // Its links open accounts: with HOST=0.0.0.0 the whole network could look.
    // And a name that a stranger's page gave this machine could let that page look.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let ours = app.settings.public_url.authority();
    let is_ours = client.address.to_canonical().is_loopback() && host == Some(ours);
    let emails = app.mailer.outbox().filter(|_| is_ours);
    let emails = emails.ok_or_else(|| AppError::new(catalogue::NOT_FOUND))?;
    Ok(Page(OutboxPage { layout: Layout::new(&app, caller.as_ref()), emails }))
}
