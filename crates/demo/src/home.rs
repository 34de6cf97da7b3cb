//! The home page with what there is to see.

use askama::Template;
use axum::extract::State;
use latchkey_web::app::App;
use latchkey_web::caller::PageCaller;
use latchkey_web::hints::Hints;
use latchkey_web::labels::CurrentSignIn;
use latchkey_web::layout::Layout;
use latchkey_web::page::Page;

#[derive(Debug, Template)]
#[template(path = "demo-home.html")]
pub(crate) struct HomePage {
    layout: Layout,
    current: Option<CurrentSignIn>,
    development: bool,
}

/// `GET /`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<PageCaller>,
    hints: Hints,
) -> Page<HomePage> {
    let current = caller.as_deref().and_then(|caller| CurrentSignIn::of(&app, caller));
    let layout = Layout::new(&app, caller.as_deref()).at("/").with_done(&hints);
    Page(HomePage { development: app.settings.is_development(), layout, current })
}
