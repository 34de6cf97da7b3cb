//! The decision: a door, a key for pages, and perhaps one for programs.

use latchkey_domain::sign_in::CredentialKind;

use super::questions::{Answers, Callers, Database, Delegation, Ending, Passwords, Services};
use latchkey_web::settings::Revocation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) door: Doors,
    pub(super) key: CredentialKind,
    /// What is carried by everything that is no page of ours.
    pub(super) programs: Option<ForPrograms>,
    /// For how many seconds an answer about an opaque token is believed.
    pub(super) believed: u8,
    /// What ends a JWT, where there is one.
    pub(super) revocation: Revocation,
    /// Whether one file is not enough.
    pub(super) shares_database: bool,
    /// Whether accounts elsewhere are connected, for more than signing in.
    pub(super) connects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doors {
    OAuth,
    Password,
    Both,
}

/// What programs and other services are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForPrograms {
    Jwt,
    /// They ask whoever issued it (RFC 7662).
    Opaque,
}

pub(super) fn decide(answers: &Answers) -> Advice {
    let (key, programs) = (key(answers), programs(answers));
    let has_jwt = key == CredentialKind::Jwt || programs == Some(ForPrograms::Jwt);
    Advice {
        door: match answers.passwords {
            Passwords::Provider => Doors::OAuth,
            Passwords::Here => Doors::Password,
            Passwords::Both => Doors::Both,
        },
        key,
        programs,
        believed: match answers.ending {
            Ending::AtOnce => 0,
            Ending::Second => 1,
            Ending::Minutes => 5,
        },
        revocation: if has_jwt && answers.ending != Ending::Minutes {
            Revocation::Watch
        } else {
            Revocation::Expiry
        },
        shares_database: answers.services != Services::One || answers.database != Database::Here,
        connects: answers.delegation == Delegation::Yes,
    }
}

/// A session, unless something speaks against it: it is the smaller key, and the
/// one that ends when it is told to.
fn key(answers: &Answers) -> CredentialKind {
    match (answers.services, answers.database, answers.ending) {
        // Nothing but a lookup ends at the next request.
        (_, _, Ending::AtOnce) => CredentialKind::Session,
        // The pages call services that could not look a session up.
        (Services::Apart, _, Ending::Minutes) => CredentialKind::Jwt,
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
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_answered_consistently() {
        for answers in Answers::all() {
            let advice = decide(&answers);
            let has = |key: CredentialKind| advice.key == key;
            let context = format!("{answers:?} {advice:?}");
            if answers.ending == Ending::AtOnce {
                assert!(
                    has(CredentialKind::Session),
                    "only a lookup ends at the next request: {context}"
                );
            }
            if has(CredentialKind::Jwt) || advice.programs == Some(ForPrograms::Jwt) {
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
            if answers.callers == Callers::Others {
                assert_eq!(advice.programs, Some(ForPrograms::Opaque), "{context}");
            }
            if answers.services == Services::Apart && answers.ending != Ending::Minutes {
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
            (C::Pages, E::Minutes, S::Apart, D::Here, CredentialKind::Jwt, Some(P::Jwt)),
            (C::Others, E::Minutes, S::Apart, D::Here, CredentialKind::Jwt, Some(P::Opaque)),
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
