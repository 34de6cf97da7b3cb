//! The whole audit trail, for administrators.

use askama::Template;
use axum::extract::{Query, State};
use latchkey_domain::Role;
use latchkey_domain::audit::Event;
use latchkey_store::audit;
use serde::Deserialize;

use crate::app::App;
use crate::caller::PageCaller;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::layout::Layout;
use crate::page::Page;

const PAGE: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage {
    layout: Layout,
    events: Vec<Event>,
    older: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AuditQuery {
    before: Option<String>,
}

/// `GET /audit`
pub(crate) async fn page(
    State(app): State<App>,
    caller: PageCaller,
    Query(query): Query<AuditQuery>,
) -> HandlerResult<Page<AuditPage>> {
    caller.require_role(&Role::admin())?;
    let before = query.before.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| AppError::new(catalogue::BAD_REQUEST))?;
    let mut events = audit::page(&app.db, before, PAGE + 1).await?;
    let more = events.len() > PAGE as usize;
    events.truncate(PAGE as usize);
    let older = if more { events.last().map(|event| event.id.to_string()) } else { None };
    Ok(Page(AuditPage { layout: Layout::new(&app, Some(&caller)), events, older }))
}
