//! The pages of the storage drill.

use askama::Template;
use latchkey_domain::{Span, Timestamp};

use super::{Chrome, Who};
use crate::pages::drill::Scene;

/// `GET /drill`
#[derive(Template)]
#[template(path = "drill.html")]
pub(crate) struct DrillPage {
    pub(crate) chrome: Chrome,
    pub(crate) token_lives: Span,
    pub(crate) first_email: &'static str,
    pub(crate) scene: Option<Scene>,
    pub(crate) now: Timestamp,
}

/// `GET /drill/room`
#[derive(Template)]
#[template(path = "drill-room.html")]
pub(crate) struct DrillRoomPage {
    pub(crate) chrome: Chrome,
    pub(crate) number: String,
    pub(crate) email: String,
    /// HTML that is not escaped: one of a closed list.
    pub(crate) comment: Option<String>,
    /// The script in it, to be read.
    pub(crate) source: Option<&'static str>,
    pub(crate) is_guarded: bool,
}
