//! The pages about recorded sign-ins.

use askama::Template;
use latchkey_domain::Timestamp;

use super::chrome::{Chrome, Who};
use crate::traces::side_by_side::SideBySide;
use crate::traces::view::{Bit, View};

/// `GET /traces`
#[derive(Debug, Template)]
#[template(path = "traces.html")]
pub(crate) struct TracesPage {
    pub(crate) chrome: Chrome,
    pub(crate) is_recording: bool,
    pub(crate) is_development: bool,
    pub(crate) traces: Vec<TraceRow>,
    pub(crate) side_by_side: SideBySide,
    pub(crate) done: Option<&'static str>,
}

/// One recorded sign-in, as the list has it.
#[derive(Debug)]
pub(crate) struct TraceRow {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) door: String,
    pub(crate) key: &'static str,
    pub(crate) round_trips: i64,
    pub(crate) bytes: String,
    pub(crate) took: String,
}

/// `GET /traces/{id}`
#[derive(Debug, Template)]
#[template(path = "trace.html")]
pub(crate) struct TracePage {
    pub(crate) chrome: Chrome,
    pub(crate) door: String,
    pub(crate) key: &'static str,
    pub(crate) view: View,
}
