//! What `latchkey doctor` finds, for whoever develops with it.

use axum::extract::State;

use crate::app::App;
use crate::caller::PageCaller;
use crate::doctor::examine_running;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::templates::{DoctorPage, Layout, Page};

/// `GET /doctor`. Outside development there is no such page: how a site is set
/// up is nobody's business but its owner's.
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<PageCaller>,
) -> HandlerResult<Page<DoctorPage>> {
    if !app.settings.is_development() {
        return Err(AppError::new(catalogue::NOT_FOUND));
    }
    let report = examine_running(&app).await;
    Ok(Page(DoctorPage { layout: Layout::new(&app, caller.as_deref()), report }))
}
