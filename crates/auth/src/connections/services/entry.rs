//! What a service returns.

use latchkey_domain::{DisplayName, Timestamp};
use serde_json::Value;

use crate::oauth::error::{Error, Step};

/// How many entries of a list are shown.
pub(super) const AT_MOST: usize = 20;

/// One thing that a service returned: foreign texts, bounded and without control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub title: DisplayName,
    pub about: Option<DisplayName>,
    pub when: Option<When>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    /// On a day, as the provider writes it.
    Day(DisplayName),
}

#[derive(Debug)]
pub(crate) enum Refused {
    /// The access token was refused (RFC 6750 §3.1 `invalid_token`).
    Token,
    /// The access token does not cover this (RFC 6750 §3.1 `insufficient_scope`).
    Scope,
    Failed(Error),
}

impl Entry {
    pub(super) fn untitled() -> DisplayName {
        DisplayName::first_of([Some("Without a name")])
    }
}

pub(super) fn invalid_response(what: &str) -> Refused {
    Refused::Failed(Error::invalid_response(Step::Service, what))
}

/// The list of this name in a document; absent is empty.
pub(super) fn listed<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], Refused> {
    match body.get(name) {
        None if body.is_object() => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        _ => Err(invalid_response("it is not a list")),
    }
}

pub(super) fn text(value: Option<&Value>) -> Option<DisplayName> {
    value.and_then(Value::as_str).and_then(DisplayName::clean)
}
