//! The home page.

use axum::extract::State;

use crate::app::App;
use crate::caller::Caller;
use crate::templates::{CurrentSignIn, HomePage, Layout, Page};

/// `GET /`
pub(crate) async fn show(State(app): State<App>, caller: Option<Caller>) -> Page<HomePage> {
    let current = caller.as_ref().and_then(|caller| CurrentSignIn::of(&app, caller));
    Page(HomePage { layout: Layout::new(&app, caller.as_ref()).at("/"), current })
}
