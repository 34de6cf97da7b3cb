//! Six questions, and what follows from the answers: a sign-in method, what
//! pages carry, and perhaps what programs carry. The questions stand in
//! `choose.html`, the reasons in `choose-reasons.html`.

use latchkey_domain::sign_in::CredentialKind;
use latchkey_web::settings::Revocation;
use serde::Deserialize;

/// The answers, by the names of their fields in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Answers {
    pub passwords: Passwords,
    pub callers: Callers,
    pub ending: Ending,
    pub services: Services,
    pub database: Database,
    pub delegation: Delegation,
}

/// Each question with its answers, which stand in the address in kebab case.
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
    pub door: Passwords,
    pub key: CredentialKind,
    /// What is carried by everything that is no page of ours.
    pub programs: Option<ForPrograms>,
    /// For how many seconds an answer about an opaque token is believed.
    pub believed: u8,
    pub revocation: Revocation,
    pub shares_database: bool,
    pub connects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForPrograms {
    Jwt,
    /// They ask whoever issued it (RFC 7662).
    Opaque,
}

impl Advice {
    pub fn has_jwt(&self) -> bool {
        self.key == CredentialKind::Jwt || self.programs == Some(ForPrograms::Jwt)
    }

    pub fn has_opaque(&self) -> bool {
        self.programs == Some(ForPrograms::Opaque)
    }

    /// Whether a provider is needed, for whatever reason.
    pub fn has_provider(&self) -> bool {
        self.door != Passwords::Here || self.connects || self.has_opaque()
    }
}

pub fn decide(answers: &Answers) -> Advice {
    let advice = Advice {
        door: answers.passwords,
        key: key(answers),
        programs: programs(answers),
        believed: match answers.ending {
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

/// A session, unless something speaks against it: it is the smaller key, and the
/// one that ends when it is told to.
fn key(answers: &Answers) -> CredentialKind {
    match (answers.services, answers.database, answers.ending) {
        // Nothing but a lookup ends at the next request.
        (_, _, Ending::AtOnce) => CredentialKind::Session,
        // Their server calls the services, with a JWT: a backend for the frontend, and no token
        // in the browser (RFC 10017 §6.1).
        (Services::Apart, ..) => CredentialKind::Session,
        // The lookup costs more than a signature check.
        (_, Database::Far, Ending::Second | Ending::Minutes) => CredentialKind::Jwt,
        (_, Database::Here | Database::Near, _) => CredentialKind::Session,
    }
}

fn programs(answers: &Answers) -> Option<ForPrograms> {
    match (answers.callers, answers.services, answers.ending) {
        // What a person has allowed somebody else, they can take back.
        (Callers::Others, _, _) => Some(ForPrograms::Opaque),
        (_, Services::Apart, Ending::Minutes) => Some(ForPrograms::Jwt),
        // A service that shares nothing hears of an end only by asking.
        (_, Services::Apart, Ending::AtOnce | Ending::Second) => Some(ForPrograms::Opaque),
        (Callers::Programs, _, _) => Some(ForPrograms::Jwt),
        (Callers::Pages, _, _) => None,
    }
}
