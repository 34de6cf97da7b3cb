//! Six questions, and what follows from the answers: a sign-in method, what
//! pages carry, and perhaps what programs carry.

use std::collections::BTreeMap;

use askama::Template;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_web::settings::Revocation;

#[derive(Debug)]
pub(super) struct Question {
    pub(super) name: &'static str,
    pub(super) asks: &'static str,
    pub(super) why: &'static str,
    pub(super) choices: &'static [(&'static str, &'static str, &'static str)],
}

/// The one table of questions: the type of each, its field, and its answers.
macro_rules! questions {
    ($($kind:ident $name:ident ($asks:literal, $why:literal) {
        $($answer:ident ($value:literal, $label:literal, $hint:literal),)*
    })*) => {
        $(
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub(super) enum $kind {
                $($answer,)*
            }
        )*

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) struct Answers {
            $(pub(super) $name: $kind,)*
        }

        impl Answers {
            pub(super) fn parse(given: &BTreeMap<String, String>) -> Option<Self> {
                Some(Self {
                    $($name: match given.get(stringify!($name))?.as_str() {
                        $($value => $kind::$answer,)*
                        _ => return None,
                    },)*
                })
            }
        }

        pub(super) const QUESTIONS: &[Question] = &[$(Question {
            name: stringify!($name),
            asks: $asks,
            why: $why,
            choices: &[$(($value, $label, $hint)),*],
        }),*];
    };
}

questions! {
    Passwords passwords ("Who keeps the passwords?", "This decides the sign-in method.") {
        Provider ("provider", "A provider", "Your users all have accounts there, and you can rely on it."),
        Here ("here", "You", "No one else may decide who gets in."),
        Both ("both", "Either", "Each user chooses."),
    }
    Callers callers ("Who calls your API?", "Browsers send cookies; programs do not.") {
        Pages ("pages", "Your own pages only", "On your own origin."),
        Programs ("programs", "Your own programs, too", "A phone app or a command-line tool."),
        Others ("others", "Other people’s programs, too", "For your users, with what they allow."),
    }
    Ending ending ("How soon must “sign out” take effect?", "This is how long a stolen copy works.") {
        AtOnce ("at-once", "At the next request", "Not one more response."),
        Second ("second", "Within a second", "Everywhere, but not necessarily at the next request."),
        Minutes ("minutes", "Within minutes", "A stolen copy may work that long."),
    }
    Services services ("How many services check the credential?", "A service that checks sessions needs their database.") {
        One ("one", "One process", "The app itself."),
        Replicas ("replicas", "Several, with one database", "Copies of the same app."),
        Apart ("apart", "Several that share no database", "Other teams’ services, or services elsewhere."),
    }
    Database database ("How far is your database?", "A session costs one query per request.") {
        Here ("here", "In the same process", "SQLite."),
        Near ("near", "In the same building", "A millisecond or two."),
        Far ("far", "Farther away", "Ten milliseconds or more."),
    }
    Delegation delegation ("Do you act at other services for your users?", "OAuth was made for this, however they sign in here.") {
        No ("no", "No", "Only here."),
        Yes ("yes", "Yes", "For example, to read their calendar."),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) door: Passwords,
    pub(super) key: CredentialKind,
    /// What is carried by everything that is no page of ours.
    pub(super) programs: Option<ForPrograms>,
    /// For how many seconds an answer about an opaque token is believed.
    pub(super) believed: u8,
    pub(super) revocation: Revocation,
    pub(super) shares_database: bool,
    pub(super) connects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForPrograms {
    Jwt,
    /// They ask whoever issued it (RFC 7662).
    Opaque,
}

impl Advice {
    pub(super) fn has_jwt(&self) -> bool {
        self.key == CredentialKind::Jwt || self.programs == Some(ForPrograms::Jwt)
    }

    pub(super) fn has_opaque(&self) -> bool {
        self.programs == Some(ForPrograms::Opaque)
    }

    /// Whether a provider is needed, for whatever reason.
    pub(super) fn has_provider(&self) -> bool {
        self.door != Passwords::Here || self.connects || self.has_opaque()
    }

    fn why_a_provider(&self) -> &'static str {
        match self.door {
            Passwords::Provider => "Sign in with OAuth. Google is simulated until both are set.",
            Passwords::Both => {
                "Sign in with OAuth or a password. Google is simulated until both are set."
            }
            Passwords::Here if self.connects => {
                "Sign in with a password. Google is for connections; it is simulated until both are set."
            }
            Passwords::Here => {
                "Sign in with a password. In development, the local provider issues the opaque tokens."
            }
        }
    }
}

/// The choice as a `.env` that starts as it is, in development; what a real site
/// needs besides stands there as comments.
#[derive(Debug, Template)]
#[template(path = "choose.env.txt", whitespace = "preserve")]
pub(super) struct DotEnv<'a> {
    pub(super) advice: &'a Advice,
}

pub(super) fn decide(answers: &Answers) -> Advice {
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

/// A sentence of the answer, the claim that it stands on, and the one figure of it that carries
/// the sentence, by label and unit.
pub(super) type Reason = (u8, Option<(&'static str, &'static str)>, &'static str);

/// The table of reasons: when each is given, the claim that measures it, and its figure.
macro_rules! reasons {
    (@figure) => { None };
    (@figure $label:literal $unit:literal) => { Some(($label, $unit)) };
    ($of:ident, $it:ident; $($when:expr => {
        $($claim:literal $(($label:literal, $unit:literal))?: $said:literal,)*
    })*) => {
        /// Why, in the order door, key, programs, delegation.
        pub(super) fn reasons($of: &Answers, $it: &Advice) -> Vec<Reason> {
            let mut reasons = Vec::<Reason>::new();
            $(if $when {
                reasons.extend([$(($claim, reasons!(@figure $($label $unit)?), $said)),*]);
            })*
            reasons
        }
    };
}

reasons! { of, it;
    it.door == Passwords::Provider => {
        10: "With OAuth, no password ever reaches you.",
        1 ("OAuth + session", "exchanges"): "It takes more steps than a password form, once per sign-in.",
        15: "While the provider is down, no one can sign in; users who are signed in stay signed in.",
    }
    it.door == Passwords::Here => {
        10: "You see each password in full, once, and store a slow hash.",
        15: "No one else can lock your users out.",
    }
    it.door == Passwords::Both => {
        10: "Users who sign in with a provider show you no password; the others show it once.",
        15: "If a provider is down, its users need the other method: let them link both.",
    }
    it.key == CredentialKind::Session => {
        7 ("session", "requests that were let in after the end"): "A revoked session is refused at the next request.",
        12: "A removed role is gone just as fast.",
        2 ("password + session", "queries"): "It costs one database query per request.",
    }
    it.key == CredentialKind::Session && of.database == Database::Here => {
        3 ("session, database embedded", "ms in the app"): "An in-process query can cost less than checking a signature.",
    }
    it.key == CredentialKind::Session && of.database == Database::Near => {
        3 ("session, database 2 ms away", "ms in the app"): "At this distance, the query is a small part of most responses.",
    }
    it.key == CredentialKind::Session && of.database == Database::Far => {
        3 ("session, database 10 ms away", "ms in the app"): "Your database is far away, and each request pays for it: the price of instant revocation.",
    }
    it.key == CredentialKind::Session => {
        4 ("session cookie", "bytes"): "A browser sends only a few bytes with each request.",
        13: "No script can read the cookie, but one on your own page can still use it.",
    }
    it.key == CredentialKind::Jwt => {
        2 ("password + JWT", "queries"): "A JWT costs no database query where the token holds the answer.",
        2 ("password + JWT, /account", "queries"): "A page that asks the database anyway saves nothing by it.",
    }
    it.key == CredentialKind::Jwt && of.database == Database::Far => {
        3: "That pays off: your database is so far away that a signature check is cheaper.",
    }
    it.key == CredentialKind::Jwt => {
        4 ("JWT without roles", "bytes"): "It makes each request larger than a session ID does.",
    }
    it.programs == Some(ForPrograms::Jwt) && it.key == CredentialKind::Session => {
        14: "Programs send a JWT in the Authorization header, never in a URL.",
    }
    it.has_jwt() && it.revocation == Revocation::Expiry => {
        7 ("JWT, expiry", "seconds until refused, on the app’s clock"): "A copy works until it expires, whatever its owner does.",
    }
    it.has_jwt() && it.revocation == Revocation::Watch => {
        7 ("JWT, watch, another process", "ms until refused"): "With JWT_REVOCATION=watch, a copy is refused within a second of revocation.",
    }
    it.key == CredentialKind::Jwt => {
        12: "A removed role is gone at the next refresh.",
        8: "You still keep state: the refresh token is state.",
        13: "In an HttpOnly cookie, no script can read it; in localStorage, every script can.",
    }
    it.programs == Some(ForPrograms::Jwt) && it.key == CredentialKind::Jwt => {
        14: "Programs send a JWT in the Authorization header, never in a URL.",
    }
    it.programs == Some(ForPrograms::Jwt) && of.ending == Ending::AtOnce => {
        7: "For programs, that is as close to “at the next request” as a JWT gets.",
    }
    it.programs == Some(ForPrograms::Jwt) && it.key == CredentialKind::Session && of.services == Services::Apart => {
        6: "Services that share nothing but the public key can check it.",
        13: "Your pages keep a session, and your server sends the JWT: no token is in the browser (RFC 10017 §6.1).",
    }
    it.has_opaque() && of.callers == Callers::Others => {
        9: "Other people’s programs get only what their user allows.",
    }
    it.has_opaque() && of.callers != Callers::Others => {
        6: "Services that share nothing cannot learn of a revocation, so they ask.",
    }
    it.has_opaque() => {
        2 ("OAuth token, introspected", "calls to the provider"): "Each check of an opaque token is a call to its issuer, or a cached answer.",
        7: "It is refused at the next call, or when the cached answer expires.",
    }
    it.connects => {
        16: "To act for users elsewhere you need OAuth, however they sign in here.",
        8: "What you get there expires, and can be refreshed while they allow it.",
    }
}

#[cfg(test)]
pub(super) fn all_answers() -> Vec<Answers> {
    let mut all = vec![BTreeMap::new()];
    for question in QUESTIONS {
        let with = |given: &BTreeMap<String, String>, value: &str| {
            let mut given = given.clone();
            given.insert(question.name.to_owned(), value.to_owned());
            given
        };
        let each = |given| question.choices.iter().map(move |(value, ..)| with(&given, value));
        all = all.into_iter().flat_map(each).collect();
    }
    all.iter().map(|given| Answers::parse(given).expect("every answer is read")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_web::settings::{Capabilities, Environment, Settings};

    #[test]
    fn six_questions_and_every_answer_is_read() {
        assert_eq!(QUESTIONS.len(), 6);
        assert_eq!(all_answers().len(), 3 * 3 * 3 * 3 * 3 * 2);
        let mut given: BTreeMap<_, _> =
            QUESTIONS.iter().map(|it| (it.name.to_owned(), it.choices[0].0.to_owned())).collect();
        assert!(Answers::parse(&given).is_some());
        given.insert("passwords".to_owned(), "x".to_owned());
        assert_eq!(Answers::parse(&given), None);
    }

    #[test]
    fn every_sentence_is_measured_and_none_is_said_twice() {
        for answers in all_answers() {
            let advice = decide(&answers);
            let reasons = reasons(&answers, &advice);
            assert!(reasons.len() >= 6, "{answers:?}");
            for (claim, _, said) in &reasons {
                assert!((1..=16).contains(claim), "{said}");
                assert!(said.ends_with('.'), "{said}");
                let same = reasons.iter().filter(|(.., other)| other == said).count();
                assert_eq!(same, 1, "{answers:?}: {said}");
            }
        }
    }

    #[test]
    fn every_combination_is_answered_consistently() {
        for answers in all_answers() {
            let advice = decide(&answers);
            let context = format!("{answers:?} {advice:?}");
            if answers.ending == Ending::AtOnce {
                let is_session = advice.key == CredentialKind::Session;
                assert!(is_session, "only a lookup ends at the next request: {context}");
            }
            if advice.has_jwt() {
                let watches = advice.revocation == Revocation::Watch;
                assert_eq!(watches, answers.ending != Ending::Minutes, "{context}");
            } else {
                assert_eq!(advice.revocation, Revocation::Expiry, "nothing to watch: {context}");
            }
            if answers.callers != Callers::Pages || answers.services == Services::Apart {
                assert!(advice.programs.is_some(), "programs are left without a key: {context}");
            } else {
                assert_eq!(advice.programs, None, "{context}");
            }
            let asks = answers.services == Services::Apart && answers.ending != Ending::Minutes;
            if answers.callers == Callers::Others || asks {
                assert_eq!(advice.programs, Some(ForPrograms::Opaque), "{context}");
            }
            if answers.services != Services::One {
                assert!(advice.shares_database, "{context}");
            }
            assert_eq!(advice.connects, answers.delegation == Delegation::Yes, "{context}");
        }
    }

    #[test]
    fn the_well_known_cases() {
        use Callers as C;
        use Database as D;
        use Ending as E;
        use ForPrograms as P;
        use Services as S;
        for (callers, ending, services, database, key, programs) in [
            (C::Pages, E::AtOnce, S::One, D::Here, CredentialKind::Session, None),
            (C::Pages, E::Minutes, S::One, D::Here, CredentialKind::Session, None),
            (C::Pages, E::Minutes, S::Replicas, D::Near, CredentialKind::Session, None),
            (C::Pages, E::Minutes, S::Replicas, D::Far, CredentialKind::Jwt, None),
            (C::Pages, E::Second, S::One, D::Far, CredentialKind::Jwt, None),
            (C::Pages, E::AtOnce, S::One, D::Far, CredentialKind::Session, None),
            (C::Programs, E::Minutes, S::One, D::Here, CredentialKind::Session, Some(P::Jwt)),
            (C::Programs, E::Second, S::Apart, D::Near, CredentialKind::Session, Some(P::Opaque)),
            (C::Pages, E::Minutes, S::Apart, D::Here, CredentialKind::Session, Some(P::Jwt)),
            (C::Others, E::Minutes, S::Apart, D::Far, CredentialKind::Session, Some(P::Opaque)),
            (C::Others, E::AtOnce, S::One, D::Here, CredentialKind::Session, Some(P::Opaque)),
        ] {
            let passwords = Passwords::Both;
            let delegation = Delegation::No;
            let answers = Answers { passwords, callers, ending, services, database, delegation };
            let advice = decide(&answers);
            assert_eq!((advice.key, advice.programs), (key, programs), "{answers:?}");
        }
    }

    #[test]
    fn every_choice_makes_settings_that_are_taken_and_say_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(".env");
        for answers in all_answers() {
            let advice = decide(&answers);
            let text = DotEnv { advice: &advice }.render().expect("text");
            std::fs::write(&file, &text).expect("written");
            let environment = Environment::with_file(&file).expect("a file that can be read");
            let settings = Settings::load(&environment, Capabilities::ALL).expect(&text);
            let warnings: Vec<_> = settings.warnings.iter().map(|one| &one.variable).collect();
            assert!(warnings.is_empty(), "{warnings:?}\n{text}");
            assert_eq!(settings.jwt.revocation, advice.revocation, "{text}");
            let has_providers = advice.has_provider();
            assert_eq!(!settings.providers.is_empty(), has_providers, "{text}");
            let is_postgres = settings.database_url.expose().starts_with("postgres:");
            assert_eq!(is_postgres, advice.shares_database, "{text}");
        }
    }
}
