//! What was found out about a token, in the words and rows of the page.

use latchkey_auth::jwt::inspect::{
    Cleaned, Judgement, KeyNotRead, Lamp, Object, Place, Signature, TakenApart, explain, now,
    visible,
};
use latchkey_domain::Timestamp;
use serde_json::Value;

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

/// Nobody reads more rows than this.
const MAX_ROWS: usize = 200;

/// What the questions were answered with.
pub(super) struct Answers {
    pub(super) signed: Signature,
    /// Why the key that was given is none.
    pub(super) unread: Option<KeyNotRead>,
    pub(super) judged: Vec<Judgement>,
    pub(super) answer: Option<Answer>,
}

pub(super) fn of(
    cleaned: &Cleaned,
    apart: &TakenApart,
    answers: &Answers,
    at: Timestamp,
) -> Inspection {
    Inspection {
        removed: cleaned.removed.iter().map(ToString::to_string).collect(),
        lamps: [well_formed(apart), signed(answers), claims_now(apart, &answers.judged)],
        parts: parts(apart),
        header: apart.header.as_ref().map(|header| header_rows(header, at)),
        claims: apart.claims.as_ref().map(|claims| claim_rows(claims, &answers.judged, at)),
        answer: answers.answer.clone(),
        signature_is_hidden: false,
    }
}

/// Takes the signature out of what is shown.
pub(super) fn hide_signature(result: &mut Inspection) {
    for part in result.parts.iter_mut().filter(|part| part.place == Place::Signature) {
        part.text = format!("({} characters, not shown)", part.text.len());
        result.signature_is_hidden = true;
    }
}

fn well_formed(apart: &TakenApart) -> LampShown {
    let said = if apart.is_well_formed() {
        vec!["Three base64url parts, the first two of them JSON objects.".to_owned()]
    } else {
        apart.malformed.iter().map(ToString::to_string).collect()
    };
    let lamp = if apart.is_well_formed() { Lamp::On } else { Lamp::Off };
    LampShown { name: "Well formed", lamp, said }
}

fn signed(answers: &Answers) -> LampShown {
    let name = "Signature";
    if let Some(unread) = answers.unread {
        return LampShown { name, lamp: Lamp::NotAsked, said: vec![unread.to_string()] };
    }
    let mut said = vec![answers.signed.to_string()];
    if let Signature::Verified { is_weak: true, .. } = answers.signed {
        said.push(
            "The secret is shorter than its hash: it can be guessed offline from a single token \
             (RFC 7518 §3.2)."
                .to_owned(),
        );
    }
    LampShown { name, lamp: answers.signed.lamp(), said }
}

fn claims_now(apart: &TakenApart, judged: &[Judgement]) -> LampShown {
    let name = "Claims, now";
    if apart.claims.is_none() {
        let said = vec!["No claims can be read.".to_owned()];
        return LampShown { name, lamp: Lamp::NotAsked, said };
    }
    let lamp = now::lamp(judged);
    let telling = judged.iter().filter(|one| one.lamp == lamp && one.lamp != Lamp::NotAsked);
    let mut said: Vec<_> = telling.map(|one| format!("{}: {}", one.claim, one.said)).collect();
    if said.is_empty() {
        said.push("It has no claims to check.".to_owned());
    }
    LampShown { name, lamp, said }
}

fn parts(apart: &TakenApart) -> Vec<PartShown> {
    let letters = ["A", "B", "C", "D", "E", "F", "G"];
    let shown = |(part, letter): (&latchkey_auth::jwt::inspect::Part, _)| PartShown {
        letter,
        place: part.place,
        text: visible(&part.text),
    };
    apart.parts.iter().zip(letters).map(shown).collect()
}

fn header_rows(header: &Object, at: Timestamp) -> MembersShown {
    let rows = header.members.iter().take(MAX_ROWS).map(|(name, value)| {
        let known = explain::header(name);
        Row { danger: explain::danger(name, value), ..row(name, value, known, at) }
    });
    members(header, rows.collect())
}

fn claim_rows(claims: &Object, judged: &[Judgement], at: Timestamp) -> MembersShown {
    let rows = claims.members.iter().take(MAX_ROWS).map(|(name, value)| {
        let judgement = judged.iter().find(|one| one.claim == name).cloned();
        Row { judgement, ..row(name, value, explain::claim(name), at) }
    });
    members(claims, rows.collect())
}

fn members(object: &Object, rows: Vec<Row>) -> MembersShown {
    MembersShown {
        more: object.members.len() - rows.len(),
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
        when: is_time.then(|| now::in_words(value, at)).flatten(),
        meaning: known.map(|known| known.meaning),
        section: known.map(|known| known.section),
        danger: None,
        judgement: None,
    }
}
