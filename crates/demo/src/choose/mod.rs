//! "Which one should I use?": six questions, and advice with links to the measurements. The answers
//! are in the query, so that the URL can be shared.

pub mod advice;

use std::collections::BTreeMap;

use latchkey_domain::sign_in::CredentialKind;
use latchkey_web::settings::Revocation;
use serde_json::json;

use self::advice::{
    Advice, Answers, Callers, Database, Ending, Passwords, ProgramCredential, Services,
};
use crate::compare::results::Comparison;
use crate::prelude::*;

/// Answers by question, not validated.
type Selected = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct ChoosePage {
    layout: Layout,
    selected: Selected,
    /// Whether only some questions have a valid answer.
    is_incomplete: bool,
    result: Option<ChooseResult>,
}

struct ChooseResult {
    advice: Advice,
    reasons: String,
    dotenv: String,
}

#[derive(Debug, Template)]
#[template(path = "choose-reasons.html")]
pub struct Reasons<'a> {
    pub answers: &'a Answers,
    pub advice: &'a Advice,
    pub comparison: &'a Comparison,
}

/// A `.env` for development; comments list what production needs.
#[derive(Debug, Template)]
#[template(path = "choose.env.txt", whitespace = "preserve")]
pub struct DotEnv<'a> {
    pub advice: &'a Advice,
}

/// `GET /choose`. Ignores invalid answers.
pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    Query(selected): Query<Selected>,
) -> Page<ChoosePage> {
    let answers = serde_json::from_value::<Answers>(json!(selected)).ok();
    let result = answers.map(|answers| {
        let advice = advice::decide(&answers);
        ChooseResult {
            reasons: Reasons { answers: &answers, advice: &advice, comparison: &demo.comparison }
                .to_string(),
            dotenv: DotEnv { advice: &advice }.to_string(),
            advice,
        }
    });
    let questions = ["passwords", "callers", "ending", "services", "database", "delegation"];
    Page(ChoosePage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/compare"),
        is_incomplete: result.is_none() && questions.iter().any(|it| selected.contains_key(*it)),
        selected,
        result,
    })
}

fn is_selected(selected: &Selected, question: &str, value: &str) -> bool {
    selected.get(question).is_some_and(|selected| selected == value)
}

impl Reasons<'_> {
    /// A figure from the latest run, with its unit.
    fn measured(&self, claim: u8, label: &str, unit: &str) -> Option<String> {
        self.comparison.result(&claim)?.outcome.quantity(label, unit)
    }
}

/// A title, a path and the code.
type Snippet = (&'static str, &'static str, &'static str);

impl ChooseResult {
    fn snippets(&self) -> impl Iterator<Item = Snippet> {
        let advice = &self.advice;
        let needed =
            [advice.credential == CredentialKind::Session, advice.has_jwt(), advice.has_opaque()];
        SNIPPETS.into_iter().zip(needed).filter_map(|(snippet, needed)| needed.then_some(snippet))
    }
}

/// Compiled examples, for a session, a JWT and an opaque token.
const SNIPPETS: [Snippet; 3] = [
    (
        "Look up a session",
        "crates/auth/examples/session.rs",
        include_str!("../../../auth/examples/session.rs"),
    ),
    (
        "Verify a JWT in another service, with only the public keys",
        "crates/auth/examples/verify_jwt.rs",
        include_str!("../../../auth/examples/verify_jwt.rs"),
    ),
    (
        "Introspect an opaque token",
        "crates/auth/examples/introspect_token.rs",
        include_str!("../../../auth/examples/introspect_token.rs"),
    ),
];
