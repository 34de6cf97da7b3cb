//! Six questions, and what follows from the answers: a sign-in method, what
//! pages carry, and perhaps what programs carry. The questions stand in
//! `choose.html`, the reasons in `choose-reasons.html`.

use latchkey_domain::sign_in::CredentialKind;
use latchkey_web::settings::Revocation;
use serde::Deserialize;

/// The answers, by the names of their fields in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Answers {
    pub(super) passwords: Passwords,
    pub(super) callers: Callers,
    pub(super) ending: Ending,
    pub(super) services: Services,
    pub(super) database: Database,
    pub(super) delegation: Delegation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Passwords {
    Provider,
    Here,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Callers {
    Pages,
    Programs,
    Others,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ending {
    AtOnce,
    Second,
    Minutes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Services {
    One,
    Replicas,
    Apart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Database {
    Here,
    Near,
    Far,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Delegation {
    No,
    Yes,
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

#[cfg(test)]
pub(super) fn all_answers() -> Vec<Answers> {
    let page = include_str!("../../../../templates/choose.html");
    let choices = page.lines().filter_map(|line| line.split_once("call choice(given, \""));
    let mut questions = std::collections::BTreeMap::<_, Vec<_>>::new();
    for (_, choice) in choices {
        let mut words = choice.split('"');
        let question = words.next().expect("a question");
        questions.entry(question).or_default().push(words.nth(1).expect("an answer"));
    }
    let mut all = vec![serde_json::Map::new()];
    for (question, values) in questions {
        let with = |given: &serde_json::Map<_, _>, value: &&str| {
            let mut given = given.clone();
            given.insert(question.to_owned(), (*value).into());
            given
        };
        let each = |given| values.iter().map(move |value| with(&given, value));
        all = all.into_iter().flat_map(each).collect();
    }
    all.into_iter().map(|it| serde_json::from_value(it.into()).expect("an answer")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
