//! The home page with what there is to see.

use latchkey_lab::Outcome;
use latchkey_web::hints::Hints;
use latchkey_web::labels::CurrentSignIn;

use crate::compare::view::request;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "demo-home.html")]
pub(crate) struct HomePage {
    layout: Layout,
    current: Option<CurrentSignIn>,
    /// The claim that says what a request costs, as it was last measured here.
    measured: Option<Outcome>,
}

impl HomePage {
    fn cost(&self, door: &str, key: &str) -> Option<String> {
        request(&[self.measured.as_ref()?], door, key)
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
