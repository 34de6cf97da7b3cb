//! The whole audit trail, for administrators.

use crate::prelude::*;
use latchkey_domain::audit::Event;
use latchkey_domain::{AuditId, Role};
use latchkey_store::audit;

/// Events per page.
pub(crate) const PAGE: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage {
    layout: Layout,
    events: Vec<Event>,
    older: Option<AuditId>,
}

/// Selects the events before this one.
#[derive(Debug, Deserialize)]
pub(crate) struct TrailQuery {
    before: Option<String>,
}

impl TrailQuery {
    pub(crate) fn before(&self) -> HandlerResult<Option<AuditId>> {
        let before = self.before.as_deref().map(str::parse).transpose();
        before.map_err(|_| AppError::new(catalogue::BAD_REQUEST))
    }
}

/// Returns the events of one page, and the last of them if there are older events.
pub(crate) fn split_page(mut events: Vec<Event>) -> (Vec<Event>, Option<AuditId>) {
    let more = events.len() > PAGE as usize;
    events.truncate(PAGE as usize);
    let older = events.last().filter(|_| more).map(|event| event.id);
    (events, older)
}

/// `GET /audit`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TrailQuery>,
) -> HandlerResult<Page<AuditPage>> {
    caller.require_role(&Role::admin())?;
    let (events, older) = split_page(audit::page(&app.db, query.before()?, PAGE + 1).await?);
    Ok(Page(AuditPage { layout: Layout::new(&app, Some(&caller)), events, older }))
}
