//! What was found out about a token, in the words and rows of its page.

use latchkey_domain::Timestamp;
use serde_json::Value;

use super::claims::CheckResult::{self, Fail, Pass, Skipped};
use super::claims::{ClaimCheck, in_words};
use super::clean::Removed;
use super::decode::{DecodedToken, Object, Part, Place};
use super::explain::{self, Known};
use super::keys::KeyError;
use super::signature::Signature;
use super::visible::visible;

/// Nobody reads more rows than this.
const MAX_ROWS: usize = 200;

pub(crate) struct Inspection {
    pub(super) removed: Vec<Removed>,
    pub(super) token: DecodedToken,
    pub(super) signed: Signature,
    /// Why the key that was given is none.
    pub(super) unread: Option<KeyError>,
    pub(super) checks: Vec<ClaimCheck>,
    pub(super) answer: Option<Answer>,
    pub(super) hides_signature: bool,
    pub(super) at: Timestamp,
}

pub(super) struct Answer {
    /// The code of the refusal; none, if there is none.
    pub(super) code: Option<&'static str>,
    pub(super) said: String,
}

pub(super) struct Lamp {
    pub(super) name: &'static str,
    pub(super) result: CheckResult,
    pub(super) said: Vec<String>,
}

/// A member of the header or the claims.
pub(super) struct Row<'i> {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) when: Option<String>,
    pub(super) known: Option<&'static Known>,
    pub(super) danger: Option<&'static str>,
    pub(super) check: Option<&'i ClaimCheck>,
}

impl Inspection {
    pub(super) fn lamps(&self) -> [Lamp; 3] {
        [self.well_formed(), self.signature(), self.claims_now()]
    }

    fn well_formed(&self) -> Lamp {
        let name = "Well formed";
        let wrong = &self.token.malformed;
        if wrong.is_empty() {
            let said = "Three base64url parts, the first two of them JSON objects.".to_owned();
            return Lamp { name, result: Pass, said: vec![said] };
        }
        Lamp { name, result: Fail, said: wrong.iter().map(ToString::to_string).collect() }
    }

    fn signature(&self) -> Lamp {
        let name = "Signature";
        if let Some(unread) = self.unread {
            return Lamp { name, result: Skipped, said: vec![unread.to_string()] };
        }
        let mut said = vec![self.signed.to_string()];
        if matches!(self.signed, Signature::Verified { is_weak: true, .. }) {
            said.push(
                "The secret is shorter than its hash: it can be guessed offline from a single \
                 token (RFC 7518 §3.2)."
                    .to_owned(),
            );
        }
        Lamp { name, result: self.signed.result(), said }
    }

    /// One no is a no.
    fn claims_now(&self) -> Lamp {
        let name = "Claims, now";
        if self.token.claims.is_none() {
            let said = vec!["No claims can be read.".to_owned()];
            return Lamp { name, result: Skipped, said };
        }
        let fails = self.checks.iter().any(|one| one.result == Fail);
        let result = if fails { Fail } else { Pass };
        let telling = self.checks.iter().filter(|one| one.result == result);
        let said = telling.map(|one| format!("{}: {}", one.claim, one.said)).collect();
        Lamp { name, result, said }
    }

    pub(super) fn text(&self, part: &Part) -> String {
        match part.place {
            Place::Signature if self.hides_signature => {
                format!("({} characters, not shown)", part.text.len())
            }
            _ => visible(&part.text),
        }
    }

    pub(super) fn header(&self) -> Option<(&Object, Vec<Row<'_>>)> {
        let row = |name: &str, value: &Value| Row {
            danger: explain::danger(name, value),
            ..self.row(explain::HEADER, name, value)
        };
        self.token.header.as_ref().map(|header| (header, rows(header, row)))
    }

    pub(super) fn claims(&self) -> Option<(&Object, Vec<Row<'_>>)> {
        let row = |name: &str, value: &Value| Row {
            check: self.checks.iter().find(|one| one.claim == name),
            ..self.row(explain::CLAIMS, name, value)
        };
        self.token.claims.as_ref().map(|claims| (claims, rows(claims, row)))
    }

    fn row(&self, table: &'static [Known], name: &str, value: &Value) -> Row<'_> {
        let known = table.iter().find(|known| known.name == name);
        let is_time = known.is_some_and(|known| known.is_time);
        Row {
            name: visible(name),
            value: value.as_str().map_or_else(|| visible(&value.to_string()), visible),
            when: is_time.then(|| in_words(value, self.at)).flatten(),
            known,
            danger: None,
            check: None,
        }
    }
}

fn rows<'i>(object: &Object, row: impl Fn(&str, &Value) -> Row<'i>) -> Vec<Row<'i>> {
    let members = object.members.as_slice().iter().take(MAX_ROWS);
    members.map(|(name, value)| row(name, value)).collect()
}
