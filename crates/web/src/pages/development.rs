//! Pages for development: the findings of `latchkey doctor`, and the outbox.

use crate::doctor::{Level, Report, examine_running};
use crate::mail::EmailMessage;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "doctor.html")]
pub(crate) struct DoctorPage {
    layout: Layout,
    report: Report,
}

/// `GET /doctor`. Only in development: visitors must not learn how a site is set up.
pub(crate) async fn doctor(
    State(app): State<App>,
    caller: Option<Caller>,
) -> HandlerResult<Page<DoctorPage>> {
    if !app.settings.is_development() {
        return Err(AppError::new(catalogue::NOT_FOUND));
    }
    let report = examine_running(&app).await;
    Ok(Page(DoctorPage { layout: Layout::new(&app, caller.as_ref()), report }))
}

#[derive(Debug, Template)]
#[template(path = "outbox.html")]
pub(crate) struct OutboxPage {
    layout: Layout,
    emails: Vec<EmailMessage>,
}

/// `GET /outbox`. Only without `SMTP_URL`, and only from this machine.
pub(crate) async fn outbox(
    State(app): State<App>,
    caller: Option<Caller>,
    client: Client,
    headers: HeaderMap,
) -> HandlerResult<Page<OutboxPage>> {
    // Its links open accounts. With HOST=0.0.0.0 the whole network could read them, and
    // by DNS rebinding a malicious page.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let ours = app.settings.public_url.authority();
    let is_ours = client.address.to_canonical().is_loopback() && host == Some(ours);
    let emails = app.mailer.outbox().filter(|_| is_ours);
    let emails = emails.ok_or_else(|| AppError::new(catalogue::NOT_FOUND))?;
    Ok(Page(OutboxPage { layout: Layout::new(&app, caller.as_ref()), emails }))
}
