//! The home page.

use axum::extract::State;

use crate::app::App;
use crate::caller::PageCaller;
use crate::templates::{CurrentSignIn, HomePage, Layout, Page};

/// `GET /`
pub(crate) async fn page(State(app): State<App>, caller: Option<PageCaller>) -> Page<HomePage> {
    let current = caller.as_deref().and_then(|caller| CurrentSignIn::of(&app, caller));
    Page(HomePage { layout: Layout::new(&app, caller.as_deref()).at("/"), current })
}
