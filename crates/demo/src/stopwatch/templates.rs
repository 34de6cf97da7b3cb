//! `/stopwatch`

use askama::Template;

use super::{Chrome, Who};

/// `GET /stopwatch`
#[derive(Debug, Template)]
#[template(path = "stopwatch.html")]
pub(crate) struct StopwatchPage {
    pub(crate) chrome: Chrome,
    /// Whether it may run here.
    pub(crate) is_here: bool,
    pub(crate) running: bool,
    /// Whether there is something to draw.
    pub(crate) has_read: bool,
    pub(crate) scale: String,
    pub(crate) rows: Vec<Watched>,
}

#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    /// What is going on, when there is no reading.
    pub(crate) state: Option<String>,
    pub(crate) ending: String,
    pub(crate) because: String,
    pub(crate) promise: String,
    /// Whether the promise was kept, where that can be said.
    pub(crate) kept: Option<bool>,
    pub(crate) lived: Option<String>,
    /// How many requests were let in meanwhile.
    pub(crate) let_in: f64,
    pub(crate) lane: Option<Lane>,
}

/// A drawing of one key, 1,000 wide.
#[derive(Debug)]
pub(crate) struct Lane {
    /// How long it was let in.
    pub(crate) open: f64,
    /// How long it was watched being refused.
    pub(crate) shut: f64,
    /// Until when it may be let in.
    pub(crate) promise: f64,
}
