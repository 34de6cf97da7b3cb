//! The inspector's page.

use askama::Template;
use latchkey_auth::jwt::inspect::{Judgement, Lamp, Place};
use serde::Deserialize;

use super::{Chrome, Who};

/// `GET /inspector`, and what `POST` answers.
#[derive(Template)]
#[template(path = "inspector.html")]
pub(crate) struct InspectorPage {
    pub(crate) chrome: Chrome,
    /// Whether this browser carries a JWT of its own.
    pub(crate) carries_jwt: bool,
    pub(crate) form: InspectorForm,
    pub(crate) result: Option<Inspection>,
}

/// What was asked, to be asked again. A secret is not among it.
#[derive(Default)]
pub(crate) struct InspectorForm {
    pub(crate) token: String,
    pub(crate) by: VerifyBy,
    pub(crate) key: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) complaint: Option<&'static str>,
}

/// What to check a signature by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VerifyBy {
    #[default]
    Ours,
    /// A public key that is given.
    Key,
    Secret,
    /// Not at all.
    Nothing,
}

impl VerifyBy {
    fn is(self, name: &str) -> bool {
        let own = match self {
            Self::Ours => "ours",
            Self::Key => "key",
            Self::Secret => "secret",
            Self::Nothing => "nothing",
        };
        own == name
    }
}

pub(crate) struct Inspection {
    pub(crate) removed: Vec<String>,
    pub(crate) lamps: [LampShown; 3],
    pub(crate) parts: Vec<PartShown>,
    pub(crate) header: Option<MembersShown>,
    pub(crate) claims: Option<MembersShown>,
    pub(crate) answer: Option<Answer>,
    pub(crate) signature_is_hidden: bool,
}

pub(crate) struct LampShown {
    pub(crate) name: &'static str,
    pub(crate) lamp: Lamp,
    pub(crate) said: Vec<String>,
}

pub(crate) struct PartShown {
    pub(crate) letter: &'static str,
    pub(crate) place: Place,
    pub(crate) text: String,
}

pub(crate) struct MembersShown {
    pub(crate) rows: Vec<Row>,
    /// How many more there are than are shown.
    pub(crate) more: usize,
    pub(crate) is_whole: bool,
    pub(crate) text: String,
}

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) when: Option<String>,
    pub(crate) meaning: Option<&'static str>,
    pub(crate) section: Option<&'static str>,
    pub(crate) danger: Option<&'static str>,
    pub(crate) judgement: Option<Judgement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The code of the refusal; none, if there is none.
    pub(crate) code: Option<&'static str>,
    pub(crate) said: String,
}
