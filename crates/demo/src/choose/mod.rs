//! "Which one should I use?": six questions, and an answer whose sentences lead
//! to what was measured. The answers stand in the address, which can be passed on.

mod advice;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use latchkey_domain::sign_in::CredentialKind;
use latchkey_lab::evidence::written;
use latchkey_web::caller::PageCaller;
use latchkey_web::layout::Layout;
use latchkey_web::page::Page;

use self::advice::{Answers, DotEnv, ForPrograms, Passwords, QUESTIONS, decide, reasons};
use crate::state::Demo;

#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct ChoosePage {
    layout: Layout,
    given: BTreeMap<String, String>,
    /// Whether some of the questions were answered, and some were not.
    is_incomplete: bool,
    chosen: Option<Chosen>,
}

impl ChoosePage {
    fn is_chosen(&self, question: &str, value: &str) -> bool {
        self.given.get(question).is_some_and(|given| given == value)
    }
}

struct Chosen {
    door: &'static str,
    key: &'static str,
    programs: Option<&'static str>,
    delegation: bool,
    reasons: Vec<Reason>,
    dotenv: String,
    snippets: Vec<Snippet>,
}

/// One sentence of it, and the claim under which it is measured.
struct Reason {
    claim: u8,
    said: &'static str,
    measured: Option<String>,
}

struct Snippet {
    title: &'static str,
    path: &'static str,
    code: &'static str,
}

/// `GET /choose`. What is no answer is none: the address may have been written
/// by somebody else.
pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<PageCaller>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Page<ChoosePage> {
    let chosen = Answers::parse(&given).map(|answers| chosen(&demo, &answers));
    let is_answered = QUESTIONS.iter().any(|question| given.contains_key(question.name));
    Page(ChoosePage {
        layout: Layout::new(&demo.app, caller.as_deref()).below("/compare"),
        given,
        is_incomplete: chosen.is_none() && is_answered,
        chosen,
    })
}

fn chosen(demo: &Demo, answers: &Answers) -> Chosen {
    let advice = decide(answers);
    let reason = |(claim, figure, said): advice::Reason| {
        let measured = figure.and_then(|figure| measured(demo, claim, figure));
        Reason { claim, said, measured }
    };
    Chosen {
        door: match advice.door {
            Passwords::Provider => "OAuth",
            Passwords::Here => "A password",
            Passwords::Both => "Both",
        },
        key: match advice.key {
            CredentialKind::Session => "A server session",
            CredentialKind::Jwt => "A JWT",
        },
        programs: advice.programs.map(|programs| match programs {
            ForPrograms::Jwt => "A JWT, as a bearer token",
            ForPrograms::Opaque => "An opaque token, introspected",
        }),
        delegation: advice.connects,
        reasons: reasons(answers, &advice).into_iter().map(reason).collect(),
        dotenv: DotEnv { advice: &advice }.to_string(),
        snippets: SNIPPETS
            .into_iter()
            .zip([advice.key == CredentialKind::Session, advice.has_jwt(), advice.has_opaque()])
            .filter_map(|(snippet, is_needed)| is_needed.then_some(snippet))
            .collect(),
    }
}

/// The figure of a claim when it was last measured on this machine.
fn measured(demo: &Demo, claim: u8, (label, unit): (&str, &str)) -> Option<String> {
    let figures = demo.comparison.result(&claim)?.outcome.figures;
    let figure = figures.iter().find(|one| one.label == label && one.unit == unit)?;
    Some(format!("{} {unit}", written(figure.median)))
}

/// Real programs of this repository, which are compiled with it: for a session,
/// a JWT and an opaque token.
const SNIPPETS: [Snippet; 3] = [
    Snippet {
        title: "Whose session is this?",
        path: "crates/auth/examples/whose_session.rs",
        code: include_str!("../../../auth/examples/whose_session.rs"),
    },
    Snippet {
        title: "Another service verifies a JWT with only the public keys",
        path: "crates/auth/examples/jwt_elsewhere.rs",
        code: include_str!("../../../auth/examples/jwt_elsewhere.rs"),
    },
    Snippet {
        title: "What may the holder of an opaque token do?",
        path: "crates/auth/examples/whose_opaque_token.rs",
        code: include_str!("../../../auth/examples/whose_opaque_token.rs"),
    },
];
