//! The comparison's pages.

use askama::Template;

use super::Chrome;
use super::chrome::Who;
use crate::comparison::UnderWay;
use crate::pages::compare::{ClaimView, Combination, Source, Stolen};
use crate::traces::side_by_side::SideBySide;

/// `GET /compare`
#[derive(Debug, Template)]
#[template(path = "compare.html")]
pub(crate) struct ComparePage {
    pub(crate) chrome: Chrome,
    /// Whether it may be measured here.
    pub(crate) development: bool,
    /// Whether a run is under way.
    pub(crate) running: bool,
    pub(crate) combinations: Vec<Combination>,
    pub(crate) claims: Vec<ClaimView>,
    pub(crate) cost: Vec<Stolen>,
    /// Whether something waits for a guess.
    pub(crate) hidden: bool,
    pub(crate) side_by_side: SideBySide,
}

/// `GET /compare/progress`
#[derive(Debug, Template)]
#[template(path = "comparing.html")]
pub(crate) struct ComparingPage {
    pub(crate) chrome: Chrome,
    pub(crate) run: UnderWay,
}
