//! What `latchkey doctor` finds, for whoever develops with it.

use askama::Template;
use axum::extract::State;
use latchkey_axum::{AppError, Caller, HandlerResult, catalogue};

use crate::app::App;
use crate::doctor::{Level, Report, examine_running};
use crate::layout::Layout;
use crate::page::Page;

#[derive(Debug, Template)]
#[template(path = "doctor.html")]
pub(crate) struct DoctorPage {
    layout: Layout,
    report: Report,
}

/// `GET /doctor`. Outside development there is no such page: how a site is set
/// up is nobody's business but its owner's.
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<Caller>,
) -> HandlerResult<Page<DoctorPage>> {
    if !app.settings.is_development() {
        return Err(AppError::new(catalogue::NOT_FOUND));
    }
    let report = examine_running(&app).await;
    Ok(Page(DoctorPage { layout: Layout::new(&app, caller.as_ref()), report }))
}
