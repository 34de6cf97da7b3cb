//! Why: one sentence each, with the claim under which it is measured.

use latchkey_domain::sign_in::CredentialKind;

use super::advice::{Advice, Doors, ForPrograms};
use super::questions::{Answers, Callers, Database, Ending, Services};
use latchkey_web::settings::Revocation;

/// One sentence of it, and the claim under which it is measured.
pub(crate) struct Reason {
    pub(crate) claim: u8,
    pub(crate) said: &'static str,
    /// What was found, if it was measured since the start.
    pub(crate) measured: Option<String>,
}

/// The reasons, in the order door, key, programs, delegation.
pub(super) fn of(answers: &Answers, advice: &Advice) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut say =
        |claim: u8, said: &'static str| reasons.push(Reason { claim, said, measured: None });
    door(advice.door, &mut say);
    match advice.key {
        CredentialKind::Session => session(answers, &mut say),
        CredentialKind::Jwt => jwt(answers, advice, &mut say),
    }
    match advice.programs {
        None => {}
        Some(ForPrograms::Jwt) => programs_with_jwt(answers, advice, &mut say),
        Some(ForPrograms::Opaque) => programs_that_ask(answers, &mut say),
    }
    if advice.connects {
        say(16, "To act for users elsewhere you need OAuth, however they sign in here.");
        say(8, "What you get there expires, and can be refreshed while they allow it.");
    }
    reasons
}

fn door(door: Doors, say: &mut impl FnMut(u8, &'static str)) {
    match door {
        Doors::OAuth => {
            say(10, "With OAuth, no password ever reaches you.");
            say(1, "It takes more steps than a password form, once per sign-in.");
            say(
                15,
                "While the provider is down, no one can sign in; users who are signed in stay signed in.",
            );
        }
        Doors::Password => {
            say(10, "You see each password in full, once, and store a slow hash.");
            say(15, "No one else can lock your users out.");
        }
        Doors::Both => {
            say(
                10,
                "Users who sign in with a provider show you no password; the others show it once.",
            );
            say(15, "If a provider is down, its users need the other method: let them link both.");
        }
    }
}

fn session(answers: &Answers, say: &mut impl FnMut(u8, &'static str)) {
    say(7, "A revoked session is refused at the next request.");
    say(12, "A removed role is gone just as fast.");
    say(2, "It costs one database query per request.");
    match answers.database {
        Database::Here => {
            say(3, "An in-process query can cost less than checking a signature.");
        }
        Database::Near => say(3, "At this distance, the query is a small part of most responses."),
        Database::Far => {
            say(
                3,
                "Your database is far away, and each request pays for it: the price of instant revocation.",
            );
        }
    }
    say(4, "A browser sends only a few bytes with each request.");
    say(13, "No script can read the cookie, but one on your own page can still use it.");
}

fn jwt(answers: &Answers, advice: &Advice, say: &mut impl FnMut(u8, &'static str)) {
    say(2, "A JWT costs no database query.");
    if answers.database == Database::Far {
        say(3, "That pays off: your database is so far away that a signature check is cheaper.");
    }
    if answers.services == Services::Apart {
        say(6, "Services that share nothing but the public key can check it.");
    }
    say(4, "It makes each request larger than a session ID does.");
    ending(advice, say);
    say(12, "A removed role is gone at the next refresh.");
    say(8, "You still keep state: the refresh token is state.");
    say(13, "In an HttpOnly cookie, no script can read it; in localStorage, every script can.");
}

fn ending(advice: &Advice, say: &mut impl FnMut(u8, &'static str)) {
    match advice.revocation {
        Revocation::Expiry => {
            say(7, "A copy works until it expires, whatever its owner does.");
        }
        Revocation::Watch => {
            say(7, "With JWT_REVOCATION=watch, a copy is refused within a second of revocation.");
        }
    }
}

fn programs_with_jwt(answers: &Answers, advice: &Advice, say: &mut impl FnMut(u8, &'static str)) {
    say(14, "Programs send a JWT in the Authorization header, never in a URL.");
    if advice.key == CredentialKind::Session {
        ending(advice, say);
    }
    if answers.ending == Ending::AtOnce {
        say(7, "For programs, that is as close to “at the next request” as a JWT gets.");
    }
    if answers.services == Services::Apart && advice.key == CredentialKind::Session {
        say(6, "Services that share nothing but the public key can check it.");
    }
}

fn programs_that_ask(answers: &Answers, say: &mut impl FnMut(u8, &'static str)) {
    if answers.callers == Callers::Others {
        say(9, "Other people’s programs get only what their user allows.");
    } else {
        say(6, "Services that share nothing cannot learn of a revocation, so they ask.");
    }
    say(2, "Each check of an opaque token is a call to its issuer, or a cached answer.");
    say(7, "It is refused at the next call, or when the cached answer expires.");
}

#[cfg(test)]
mod tests {
    use super::super::advice::decide;
    use super::*;

    #[test]
    fn every_sentence_is_measured_and_none_is_said_twice() {
        for answers in Answers::all() {
            let reasons = of(&answers, &decide(&answers));
            assert!(reasons.len() >= 6, "{answers:?}");
            for reason in &reasons {
                assert!((1..=16).contains(&reason.claim), "{}", reason.said);
                assert!(reason.said.ends_with('.'), "{}", reason.said);
                let same = reasons.iter().filter(|other| other.said == reason.said).count();
                assert_eq!(same, 1, "{answers:?}: {}", reason.said);
            }
        }
    }
}
