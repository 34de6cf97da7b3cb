//! What `latchkey doctor` finds, for whoever develops with it.

use axum::extract::State;

use crate::app::App;
use crate::caller::Caller;
use crate::doctor::examine_running;
use crate::errors::{Fault, Result, catalogue};
use crate::templates::{DoctorPage, Layout, Page};

/// `GET /doctor`. Outside development there is no such page: how a site is set
/// up is nobody's business but its owner's.
pub(crate) async fn show(
    State(app): State<App>,
    caller: Option<Caller>,
) -> Result<Page<DoctorPage>> {
    if !app.settings.is_development() {
        return Err(Fault::new(catalogue::NOT_FOUND));
    }
    let report = examine_running(&app).await;
    Ok(Page(DoctorPage { layout: Layout::new(&app, caller.as_ref()), report }))
}
