//! The whole audit trail, for administrators.

use axum::extract::{Query, State};
use latchkey_domain::Role;
use latchkey_store::audit;
use serde::Deserialize;

use crate::app::App;
use crate::caller::Caller;
use crate::errors::{Fault, Result, catalogue};
use crate::templates::{AuditPage, Layout, Page};

const PAGE: u32 = 50;

#[derive(Debug, Deserialize)]
pub(crate) struct Before {
    before: Option<String>,
}

/// `GET /audit`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<Before>,
) -> Result<Page<AuditPage>> {
    caller.is(&Role::admin())?;
    let before = query.before.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Fault::new(catalogue::BAD_REQUEST))?;
    let mut events = audit::page(&app.db, before, PAGE + 1).await?;
    let more = events.len() > PAGE as usize;
    events.truncate(PAGE as usize);
    let older = if more { events.last().map(|event| event.id.to_string()) } else { None };
    Ok(Page(AuditPage { layout: Layout::new(&app, Some(&caller)), events, older }))
}
