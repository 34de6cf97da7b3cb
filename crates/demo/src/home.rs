//! The home page with links to the demo.

use latchkey_lab::Outcome;
use latchkey_web::hints::Hints;
use latchkey_web::labels::CurrentSignIn;

use crate::compare::view::request_cost;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "demo-home.html")]
pub(crate) struct HomePage {
    layout: Layout,
    current: Option<CurrentSignIn>,
    /// The latest result of claim 2, the cost of a request.
    measured: Option<Outcome>,
}

impl HomePage {
    fn cost(&self, method: &str, credential: &str) -> Option<String> {
        request_cost(&[self.measured.as_ref()?], method, credential)
    }
}

pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    hints: Hints,
) -> Page<HomePage> {
    let app = &demo.app;
    Page(HomePage {
        layout: Layout::new(app, caller.as_ref()).at("/").with_flash(&hints),
        current: caller.as_ref().and_then(|caller| CurrentSignIn::of(app, caller)),
        measured: demo.comparison.result(&2).map(|measured| measured.outcome),
    })
}
