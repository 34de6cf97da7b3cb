//! The page that chooses.

use askama::Template;

use super::{Chrome, Who};

/// `GET /choose`
#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct ChoosePage {
    pub(crate) chrome: Chrome,
    pub(crate) questions: Vec<Asked>,
    /// Whether some of the questions were answered, and some were not.
    pub(crate) is_incomplete: bool,
    pub(crate) chosen: Option<Chosen>,
}

/// A question, with what was answered.
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    pub(crate) asks: &'static str,
    pub(crate) why: &'static str,
    pub(crate) choices: Vec<ChoiceShown>,
}

pub(crate) struct ChoiceShown {
    pub(crate) value: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) is_chosen: bool,
}

pub(crate) struct Chosen {
    pub(crate) door: &'static str,
    pub(crate) key: &'static str,
    pub(crate) programs: Option<&'static str>,
    pub(crate) delegation: bool,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) dotenv: String,
    pub(crate) snippets: Vec<Snippet>,
}

/// One sentence of it, and the claim under which it is measured.
pub(crate) struct Reason {
    pub(crate) claim: u8,
    pub(crate) said: &'static str,
    /// What was found, if it was measured since the start.
    pub(crate) measured: Option<String>,
}

/// A piece of code to begin with.
pub(crate) struct Snippet {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) code: &'static str,
}
