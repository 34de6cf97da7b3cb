//! The home page.

use crate::labels::CurrentSignIn;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    layout: Layout,
    current: Option<CurrentSignIn>,
}

/// `GET /`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<Caller>,
    hints: Hints,
) -> Page<HomePage> {
    let current = caller.as_ref().and_then(|caller| CurrentSignIn::of(&app, caller));
    Page(HomePage {
        layout: Layout::new(&app, caller.as_ref()).at("/").with_flash(&hints),
        current,
    })
}
