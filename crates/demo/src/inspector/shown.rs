//! What was found out about a token, in the words and rows of the page.

use latchkey_domain::Timestamp;
use serde_json::Value;

use super::claims::{self, CheckResult, ClaimCheck};
use super::clean::Cleaned;
use super::decode::{DecodedToken, Object, Part, Place};
use super::explain;
use super::keys::KeyError;
use super::signature::Signature;
use super::visible::visible;

pub(crate) struct Inspection {
    pub(crate) removed: Vec<String>,
    pub(crate) checks: [CheckShown; 3],
    pub(crate) parts: Vec<PartShown>,
    pub(crate) header: Option<MembersShown>,
    pub(crate) claims: Option<MembersShown>,
    pub(crate) answer: Option<Answer>,
    pub(crate) signature_is_hidden: bool,
}

pub(crate) struct CheckShown {
    pub(crate) name: &'static str,
    pub(crate) result: CheckResult,
    pub(crate) said: Vec<String>,
}

pub(crate) struct PartShown {
    pub(crate) letter: &'static str,
    pub(crate) place: Place,
    pub(crate) text: String,
}

pub(crate) struct MembersShown {
    pub(crate) rows: Vec<Row>,
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
    pub(crate) check: Option<ClaimCheck>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The code of the refusal; none, if there is none.
    pub(crate) code: Option<&'static str>,
    pub(crate) said: String,
}

/// Nobody reads more rows than this.
const MAX_ROWS: usize = 200;

pub(super) struct Answers {
    pub(super) signed: Signature,
    /// Why the key that was given is none.
    pub(super) unread: Option<KeyError>,
    pub(super) checks: Vec<ClaimCheck>,
    pub(super) answer: Option<Answer>,
}

pub(super) fn of(
    cleaned: &Cleaned,
    decoded: &DecodedToken,
    answers: &Answers,
    at: Timestamp,
) -> Inspection {
    Inspection {
        removed: cleaned.removed.iter().map(ToString::to_string).collect(),
        checks: [well_formed(decoded), signed(answers), claims_now(decoded, &answers.checks)],
        parts: parts(decoded),
        header: decoded.header.as_ref().map(|header| header_rows(header, at)),
        claims: decoded.claims.as_ref().map(|claims| claim_rows(claims, &answers.checks, at)),
        answer: answers.answer.clone(),
        signature_is_hidden: false,
    }
}

pub(super) fn hide_signature(result: &mut Inspection) {
    for part in result.parts.iter_mut().filter(|part| part.place == Place::Signature) {
        part.text = format!("({} characters, not shown)", part.text.len());
        result.signature_is_hidden = true;
    }
}

fn well_formed(decoded: &DecodedToken) -> CheckShown {
    let said = if decoded.is_well_formed() {
        vec!["Three base64url parts, the first two of them JSON objects.".to_owned()]
    } else {
        decoded.malformed.iter().map(ToString::to_string).collect()
    };
    let result = if decoded.is_well_formed() { CheckResult::Pass } else { CheckResult::Fail };
    CheckShown { name: "Well formed", result, said }
}

fn signed(answers: &Answers) -> CheckShown {
    let name = "Signature";
    if let Some(unread) = answers.unread {
        return CheckShown { name, result: CheckResult::Skipped, said: vec![unread.to_string()] };
    }
    let mut said = vec![answers.signed.to_string()];
    if let Signature::Verified { is_weak: true, .. } = answers.signed {
        said.push(
            "The secret is shorter than its hash: it can be guessed offline from a single token \
             (RFC 7518 §3.2)."
                .to_owned(),
        );
    }
    CheckShown { name, result: answers.signed.result(), said }
}

fn claims_now(decoded: &DecodedToken, checks: &[ClaimCheck]) -> CheckShown {
    let name = "Claims, now";
    if decoded.claims.is_none() {
        let said = vec!["No claims can be read.".to_owned()];
        return CheckShown { name, result: CheckResult::Skipped, said };
    }
    let result = claims::overall(checks);
    let telling =
        checks.iter().filter(|one| one.result == result && result != CheckResult::Skipped);
    let mut said: Vec<_> = telling.map(|one| format!("{}: {}", one.claim, one.said)).collect();
    if said.is_empty() {
        said.push("It has no claims to check.".to_owned());
    }
    CheckShown { name, result, said }
}

fn parts(decoded: &DecodedToken) -> Vec<PartShown> {
    let letters = ["A", "B", "C", "D", "E", "F", "G"];
    let shown = |(part, letter): (&Part, _)| PartShown {
        letter,
        place: part.place,
        text: visible(&part.text),
    };
    decoded.parts.iter().zip(letters).map(shown).collect()
}

fn header_rows(header: &Object, at: Timestamp) -> MembersShown {
    let rows = header.members.as_slice().iter().take(MAX_ROWS).map(|(name, value)| {
        let known = explain::header(name);
        Row { danger: explain::danger(name, value), ..row(name, value, known, at) }
    });
    members(header, rows.collect())
}

fn claim_rows(claims: &Object, checks: &[ClaimCheck], at: Timestamp) -> MembersShown {
    let rows = claims.members.as_slice().iter().take(MAX_ROWS).map(|(name, value)| {
        let check = checks.iter().find(|one| one.claim == name).cloned();
        Row { check, ..row(name, value, explain::claim(name), at) }
    });
    members(claims, rows.collect())
}

fn members(object: &Object, rows: Vec<Row>) -> MembersShown {
    MembersShown {
        more: object.members.as_slice().len() - rows.len(),
        rows,
        is_whole: object.is_whole,
        text: visible(&object.text),
    }
}

fn row(name: &str, value: &Value, known: Option<&explain::Known>, at: Timestamp) -> Row {
    let is_time = known.is_some_and(|known| known.is_time);
    Row {
        name: visible(name),
        value: match value {
            Value::String(text) => visible(text),
            other => visible(&other.to_string()),
        },
        when: is_time.then(|| claims::in_words(value, at)).flatten(),
        meaning: known.map(|known| known.meaning),
        section: known.map(|known| known.section),
        danger: None,
        check: None,
    }
}
