//! "Which one should I use?": six questions, and an answer whose sentences lead
//! to what was measured. The answers stand in the address, which can be passed on.

pub mod advice;

use std::collections::BTreeMap;

use latchkey_domain::sign_in::CredentialKind;
use latchkey_web::settings::Revocation;
use serde_json::json;

use self::advice::{Advice, Answers, Callers, Database, Ending, ForPrograms, Passwords, Services};
use crate::compare::results::Comparison;
use crate::prelude::*;

/// What was answered, by question.
type Given = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct ChoosePage {
    layout: Layout,
    given: Given,
    /// Whether some of the questions were answered, and some were not.
    is_incomplete: bool,
    chosen: Option<Chosen>,
}

struct Chosen {
    advice: Advice,
    reasons: String,
    dotenv: String,
}

#[derive(Debug, Template)]
#[template(path = "choose-reasons.html")]
pub struct Reasons<'a> {
    pub of: &'a Answers,
    pub it: &'a Advice,
    pub comparison: &'a Comparison,
}

/// The choice as a `.env` that starts as it is, in development; what a real site
/// needs besides stands there as comments.
#[derive(Debug, Template)]
#[template(path = "choose.env.txt", whitespace = "preserve")]
pub struct DotEnv<'a> {
    pub advice: &'a Advice,
}

/// `GET /choose`. What is no answer is none: the address may have been written
/// by somebody else.
pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    Query(given): Query<Given>,
) -> Page<ChoosePage> {
    let answers = serde_json::from_value::<Answers>(json!(given)).ok();
    let chosen = answers.map(|answers| {
        let advice = advice::decide(&answers);
        Chosen {
            reasons: Reasons { of: &answers, it: &advice, comparison: &demo.comparison }
                .to_string(),
            dotenv: DotEnv { advice: &advice }.to_string(),
            advice,
        }
    });
    let questions = ["passwords", "callers", "ending", "services", "database", "delegation"];
    Page(ChoosePage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/compare"),
        is_incomplete: chosen.is_none() && questions.iter().any(|it| given.contains_key(*it)),
        given,
        chosen,
    })
}

fn is_given(given: &Given, question: &str, value: &str) -> bool {
    given.get(question).is_some_and(|given| given == value)
}

impl Reasons<'_> {
    /// The figure of a claim when it was last measured on this machine.
    fn measured(&self, claim: u8, label: &str, unit: &str) -> Option<String> {
        self.comparison.result(&claim)?.outcome.figure(label, unit)
    }
}

/// A title, where it stands, and the code.
type Snippet = (&'static str, &'static str, &'static str);

impl Chosen {
    fn snippets(&self) -> impl Iterator<Item = Snippet> {
        let advice = &self.advice;
        let needed = [advice.key == CredentialKind::Session, advice.has_jwt(), advice.has_opaque()];
        SNIPPETS.into_iter().zip(needed).filter_map(|(snippet, needed)| needed.then_some(snippet))
    }
}

/// Real programs of this repository, which are compiled with it: for a session,
/// a JWT and an opaque token.
const SNIPPETS: [Snippet; 3] = [
    (
        "Whose session is this?",
        "crates/auth/examples/whose_session.rs",
        include_str!("../../../auth/examples/whose_session.rs"),
    ),
    (
        "Another service verifies a JWT with only the public keys",
        "crates/auth/examples/jwt_elsewhere.rs",
        include_str!("../../../auth/examples/jwt_elsewhere.rs"),
    ),
    (
        "What may the holder of an opaque token do?",
        "crates/auth/examples/whose_opaque_token.rs",
        include_str!("../../../auth/examples/whose_opaque_token.rs"),
    ),
];
