//! Advice from the answers to six questions: a sign-in method, a credential for pages, and possibly
//! one for programs. `choose.html` has the questions, `choose-reasons.html` the reasons.

use latchkey_domain::sign_in::CredentialKind;
use latchkey_web::settings::Revocation;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Answers {
    pub passwords: Passwords,
    pub callers: Callers,
    pub ending: Ending,
    pub services: Services,
    pub database: Database,
    pub delegation: Delegation,
}

/// An enum per question; the query has the variants in kebab case.
macro_rules! questions {
    ($($question:ident { $($answer:ident),* })*) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $question { $($answer),* }
    )*};
}

questions! {
    Passwords { Provider, Here, Both }
    Callers { Pages, Programs, Others }
    Ending { AtOnce, Second, Minutes }
    Services { One, Replicas, Apart }
    Database { Here, Near, Far }
    Delegation { No, Yes }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    pub sign_in: Passwords,
    /// The credential of the app's own pages.
    pub credential: CredentialKind,
    /// The credential of everything else.
    pub programs: Option<ProgramCredential>,
    /// How long an introspection response is cached.
    pub cache_seconds: u8,
    pub revocation: Revocation,
    pub shares_database: bool,
    pub connects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramCredential {
    Jwt,
    /// Introspected (RFC 7662).
    Opaque,
}

impl Advice {
    pub fn has_jwt(&self) -> bool {
        self.credential == CredentialKind::Jwt || self.programs == Some(ProgramCredential::Jwt)
    }

    pub fn has_opaque(&self) -> bool {
        self.programs == Some(ProgramCredential::Opaque)
    }

    pub fn has_provider(&self) -> bool {
        self.sign_in != Passwords::Here || self.connects || self.has_opaque()
    }
}

pub fn decide(answers: &Answers) -> Advice {
    let advice = Advice {
        sign_in: answers.passwords,
        credential: page_credential(answers),
        programs: program_credential(answers),
        cache_seconds: match answers.ending {
            Ending::AtOnce => 0,
            Ending::Second => 1,
            Ending::Minutes => 5,
        },
        revocation: Revocation::Expiry,
        shares_database: answers.services != Services::One || answers.database != Database::Here,
        connects: answers.delegation == Delegation::Yes,
    };
    if advice.has_jwt() && answers.ending != Ending::Minutes {
        return Advice { revocation: Revocation::Watch, ..advice };
    }
    advice
}

/// A session by default: it is smaller, and it can be revoked.
fn page_credential(answers: &Answers) -> CredentialKind {
    match (answers.services, answers.database, answers.ending) {
        // Only a lookup can refuse the next request.
        (_, _, Ending::AtOnce) => CredentialKind::Session,
        // A backend for frontend calls the services with a JWT; the browser has no token
        // (RFC 10017 §6.1).
        (Services::Apart, ..) => CredentialKind::Session,
        // The lookup costs more than a signature check.
        (_, Database::Far, Ending::Second | Ending::Minutes) => CredentialKind::Jwt,
        (_, Database::Here | Database::Near, _) => CredentialKind::Session,
    }
}

fn program_credential(answers: &Answers) -> Option<ProgramCredential> {
    match (answers.callers, answers.services, answers.ending) {
        // Users can revoke what they allowed.
        (Callers::Others, _, _) => Some(ProgramCredential::Opaque),
        (_, Services::Apart, Ending::Minutes) => Some(ProgramCredential::Jwt),
        // Without the database, a service only learns of a revocation by introspection.
        (_, Services::Apart, Ending::AtOnce | Ending::Second) => Some(ProgramCredential::Opaque),
        (Callers::Programs, _, _) => Some(ProgramCredential::Jwt),
        (Callers::Pages, _, _) => None,
    }
}
