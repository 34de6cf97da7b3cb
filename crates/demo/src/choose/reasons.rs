//! Why: one sentence each, with the claim under which it is measured.

use latchkey_domain::sign_in::Key;

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
        Key::Session => session(answers, &mut say),
        Key::Jwt => jwt(answers, advice, &mut say),
    }
    match advice.programs {
        None => {}
        Some(ForPrograms::Jwt) => programs_with_jwt(answers, advice, &mut say),
        Some(ForPrograms::Opaque) => programs_that_ask(answers, &mut say),
    }
    if advice.connects {
        say(16, "To act for a person elsewhere you need OAuth, beside whatever door they take.");
        say(8, "What you get there is limited in time, and refreshed while they allow it.");
    }
    reasons
}

fn door(door: Doors, say: &mut impl FnMut(u8, &'static str)) {
    match door {
        Doors::OAuth => {
            say(10, "With OAuth no byte of a password reaches you.");
            say(1, "It takes more steps than a password form, once for each sign-in.");
            say(15, "While the provider is down nobody new comes in; whoever is in stays in.");
        }
        Doors::Password => {
            say(10, "With a password you see all of it, once, and keep a slow hash.");
            say(15, "Nobody else can keep your people out.");
        }
        Doors::Both => {
            say(
                10,
                "Whoever comes through a provider shows you no password; the others show it once.",
            );
            say(15, "If a provider is down, its people need the other door: let them link both.");
        }
    }
}

fn session(answers: &Answers, say: &mut impl FnMut(u8, &'static str)) {
    say(7, "A session that has ended is refused at the next request.");
    say(12, "A role that was taken away is gone just as soon.");
    say(2, "It costs one database query for each request.");
    match answers.database {
        Database::Here => {
            say(3, "In your process that query can cost less than checking a signature.");
        }
        Database::Near => say(3, "So near, the query is a small part of most answers."),
        Database::Far => {
            say(
                3,
                "Your database is far, and each request pays for it: that is the price of ending at once.",
            );
        }
    }
    say(4, "A browser sends a few bytes with each request.");
    say(13, "No script can read the cookie; one on your own page can still use it.");
}

fn jwt(answers: &Answers, advice: &Advice, say: &mut impl FnMut(u8, &'static str)) {
    say(2, "A JWT costs no database query.");
    if answers.database == Database::Far {
        say(3, "That pays because your database is farther away than a signature check costs.");
    }
    if answers.services == Services::Apart {
        say(6, "Services that share nothing but the public key can check it.");
    }
    say(4, "It is larger than a session id, with each request.");
    ending(advice, say);
    say(12, "A role that was taken away is gone at the next refresh.");
    say(8, "It does not save you the state: the refresh token is state.");
    say(13, "In an HttpOnly cookie no script can read it; in localStorage every script can.");
}

fn ending(advice: &Advice, say: &mut impl FnMut(u8, &'static str)) {
    match advice.revocation {
        Revocation::Expiry => {
            say(7, "A copy of it lives until it expires, whatever its owner does.");
        }
        Revocation::Watch => {
            say(7, "With JWT_REVOCATION=watch a copy of it is refused within a second of the end.");
        }
    }
}

fn programs_with_jwt(answers: &Answers, advice: &Advice, say: &mut impl FnMut(u8, &'static str)) {
    say(14, "Programs send a JWT in the Authorization header, never in an address.");
    if advice.key == Key::Session {
        ending(advice, say);
    }
    if answers.ending == Ending::AtOnce {
        say(7, "For programs that is as near to “at the next request” as a JWT comes.");
    }
    if answers.services == Services::Apart && advice.key == Key::Session {
        say(6, "Services that share nothing but the public key can check it.");
    }
}

fn programs_that_ask(answers: &Answers, say: &mut impl FnMut(u8, &'static str)) {
    if answers.callers == Callers::Others {
        say(9, "Other people’s programs get what their person allows, and not more.");
    } else {
        say(6, "Services that share nothing cannot hear of an end, so they ask.");
    }
    say(2, "Each check of an opaque token is a call to whoever issued it, or a remembered answer.");
    say(7, "It is refused at the next call, or when the remembered answer is forgotten.");
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
