//! "Which one should I use?": six questions, and an answer whose every sentence
//! leads to what was measured.

mod advice;
mod dotenv;
mod questions;
mod reasons;

use axum::extract::{Query, State};
use latchkey_domain::sign_in::CredentialKind;
use latchkey_lab::Verdict;
use serde::Deserialize;

use self::advice::{Advice, Doors, ForPrograms};
use self::questions::{
    Answers, Callers, Database, Delegation, Ending, Passwords, QUESTIONS, Services,
};
use self::reasons::Reason;
use crate::state::Demo;
use askama::Template;
use latchkey_web::caller::PageCaller;
use latchkey_web::layout::Layout;
use latchkey_web::templates::Page;

/// `GET /choose`
#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct ChoosePage {
    pub(crate) layout: Layout,
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

/// A piece of code to begin with.
pub(crate) struct Snippet {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) code: &'static str,
}

/// The answers as they stand in the address, which can be passed on.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Given {
    passwords: Option<String>,
    callers: Option<String>,
    ending: Option<String>,
    services: Option<String>,
    database: Option<String>,
    delegation: Option<String>,
}

impl Given {
    fn of(&self, name: &str) -> Option<&str> {
        match name {
            "passwords" => self.passwords.as_deref(),
            "callers" => self.callers.as_deref(),
            "ending" => self.ending.as_deref(),
            "services" => self.services.as_deref(),
            "database" => self.database.as_deref(),
            _ => self.delegation.as_deref(),
        }
    }

    /// The answers, when all six are there. What is no answer is none: the
    /// address may have been written by somebody else.
    fn answers(&self) -> Option<Answers> {
        Some(Answers {
            passwords: Passwords::parse(self.passwords.as_deref()?)?,
            callers: Callers::parse(self.callers.as_deref()?)?,
            ending: Ending::parse(self.ending.as_deref()?)?,
            services: Services::parse(self.services.as_deref()?)?,
            database: Database::parse(self.database.as_deref()?)?,
            delegation: Delegation::parse(self.delegation.as_deref()?)?,
        })
    }

    fn says_something(&self) -> bool {
        QUESTIONS.iter().any(|question| self.of(question.name).is_some())
    }
}

/// `GET /choose`
pub(crate) async fn show(
    State(demo): State<Demo>,
    caller: Option<PageCaller>,
    Query(given): Query<Given>,
) -> Page<ChoosePage> {
    let answers = given.answers();
    let questions = QUESTIONS.iter().map(|question| Asked {
        name: question.name,
        asks: question.asks,
        why: question.why,
        choices: question
            .choices
            .iter()
            .map(|(value, label, hint)| ChoiceShown {
                value,
                label,
                hint,
                is_chosen: given.of(question.name) == Some(value),
            })
            .collect(),
    });
    Page(ChoosePage {
        layout: Layout::new(&demo.app, caller.as_deref()).below("/compare"),
        questions: questions.collect(),
        is_incomplete: answers.is_none() && given.says_something(),
        chosen: answers.map(|answers| chosen(&demo, &answers)),
    })
}

fn chosen(demo: &Demo, answers: &Answers) -> Chosen {
    let advice = advice::decide(answers);
    Chosen {
        door: match advice.door {
            Doors::OAuth => "OAuth",
            Doors::Password => "A password",
            Doors::Both => "Both",
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
        reasons: reasons::of(answers, &advice)
            .into_iter()
            .map(|reason| Reason { measured: measured(demo, reason.claim), ..reason })
            .collect(),
        dotenv: dotenv::of(&advice),
        snippets: snippets(&advice),
    }
}

/// What was found when the claim was last measured on this machine.
fn measured(demo: &Demo, claim: u8) -> Option<String> {
    Some(match demo.comparison.result(claim)?.outcome.verdict? {
        Verdict::True { because }
        | Verdict::TrueIf { because, .. }
        | Verdict::False { because } => because,
        // Nothing that a sentence could lean on.
        Verdict::Undecided { .. } => return None,
    })
}

/// Real programs of this repository, which are compiled with it.
fn snippets(advice: &Advice) -> Vec<Snippet> {
    const SESSION: Snippet = Snippet {
        title: "Whose session is this?",
        path: "crates/auth/examples/whose_session.rs",
        code: include_str!("../../../auth/examples/whose_session.rs"),
    };
    const JWT: Snippet = Snippet {
        title: "Another service verifies a JWT with only the public keys",
        path: "crates/auth/examples/jwt_elsewhere.rs",
        code: include_str!("../../../auth/examples/jwt_elsewhere.rs"),
    };
    const OPAQUE: Snippet = Snippet {
        title: "What may the holder of an opaque token do?",
        path: "crates/auth/examples/whose_opaque_token.rs",
        code: include_str!("../../../auth/examples/whose_opaque_token.rs"),
    };
    let mut snippets = Vec::new();
    if advice.key == CredentialKind::Session {
        snippets.push(SESSION);
    }
    if advice.key == CredentialKind::Jwt || advice.programs == Some(ForPrograms::Jwt) {
        snippets.push(JWT);
    }
    if advice.programs == Some(ForPrograms::Opaque) {
        snippets.push(OPAQUE);
    }
    snippets
}
