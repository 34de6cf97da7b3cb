//! The state of each visitor's drill: decoy credentials, and what the thief received. In memory and
//! bounded.

use std::collections::VecDeque;

use latchkey_auth::random;
use latchkey_domain::{Span, Timestamp};
use parking_lot::Mutex;
use serde::Deserialize;

const MAX_DRILLS: usize = 50;

const MAX_LOOT: usize = 12;

/// The default lifetime of an access token.
pub(crate) const TOKEN_LIFETIME: Span = Span::minutes(5);

/// The decoy user's original address.
pub(crate) const EMAIL: &str = "dora@decoy.example";

#[derive(Clone, Debug)]
pub(crate) struct Drill {
    /// Identifies the drill to the thief. Grants no access.
    pub(crate) id: String,
    /// In an `HttpOnly` cookie.
    pub(crate) session: String,
    /// In a cookie without `HttpOnly`.
    pub(crate) open_session: String,
    /// In `localStorage`.
    pub(crate) token: String,
    /// In an `HttpOnly` cookie.
    pub(crate) hidden_token: String,
    pub(crate) token_expires_at: Timestamp,
    /// Ends the sessions, but not the tokens.
    pub(crate) is_signed_in: bool,
    pub(crate) email: String,
    pub(crate) loot: Vec<Loot>,
    pub(crate) reuses: Vec<Reuse>,
}

/// What one page sent to the thief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Loot {
    pub(crate) local_storage: String,
    pub(crate) cookies: String,
    pub(crate) ridden: String,
}

/// An attempt to use the loot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reuse {
    pub(crate) what: &'static str,
    pub(crate) status: u16,
    pub(crate) response: String,
}

/// A credential of the decoy API, by where the browser keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub(crate) enum Credential {
    #[strum(serialize = "the HttpOnly cookie")]
    Session,
    #[strum(serialize = "the cookie without HttpOnly")]
    OpenSession,
    #[strum(serialize = "the token")]
    Token,
    #[strum(serialize = "the token in an HttpOnly cookie")]
    HiddenToken,
}

impl Drill {
    fn new(now: Timestamp) -> Self {
        Self {
            id: random::token()[..12].to_owned(),
            session: random::token(),
            open_session: random::token(),
            token: random::token(),
            hidden_token: random::token(),
            token_expires_at: now.plus(TOKEN_LIFETIME),
            is_signed_in: true,
            email: EMAIL.to_owned(),
            loot: Vec::new(),
            reuses: Vec::new(),
        }
    }

    pub(crate) fn accepts(&self, credential: Credential, value: &str, now: Timestamp) -> bool {
        match credential {
            Credential::Session => self.is_signed_in && self.session == value,
            Credential::OpenSession => self.is_signed_in && self.open_session == value,
            // Like a JWT, checked without looking at the sign-in.
            Credential::Token => self.token == value && now < self.token_expires_at,
            Credential::HiddenToken => self.hidden_token == value && now < self.token_expires_at,
        }
    }

    pub(crate) fn receive(&mut self, loot: Loot) {
        if self.loot.len() < MAX_LOOT {
            self.loot.push(loot);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Drills(Mutex<VecDeque<Drill>>);

impl Drills {
    /// Discards the oldest drill if there are too many.
    pub(crate) fn start(&self, now: Timestamp) -> Drill {
        let drill = Drill::new(now);
        let mut drills = self.0.lock();
        if drills.len() >= MAX_DRILLS {
            drills.pop_front();
        }
        drills.push_back(drill.clone());
        drill
    }

    pub(crate) fn end(&self, session: &str) {
        self.0.lock().retain(|drill| drill.session != session);
    }

    /// Runs `action` on the first drill that matches.
    pub(crate) fn with<T>(
        &self,
        matches: impl Fn(&Drill) -> bool,
        action: impl FnOnce(&mut Drill) -> T,
    ) -> Option<T> {
        self.0.lock().iter_mut().find(|drill| matches(drill)).map(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_450_320);

    #[test]
    fn sign_out_ends_sessions_but_not_tokens() {
        let mut drill = Drill::new(NOW);
        let later = NOW.plus(Span::minutes(5));
        let all = |drill: &Drill, at: Timestamp| {
            [
                drill.accepts(Credential::Session, &drill.session, at),
                drill.accepts(Credential::OpenSession, &drill.open_session, at),
                drill.accepts(Credential::Token, &drill.token, at),
                drill.accepts(Credential::HiddenToken, &drill.hidden_token, at),
            ]
        };
        assert_eq!(all(&drill, NOW), [true, true, true, true]);
        assert_eq!(all(&drill, later), [true, true, false, false], "the tokens expire");
        drill.is_signed_in = false;
        assert_eq!(all(&drill, NOW), [false, false, true, true]);
        assert!(!drill.accepts(Credential::HiddenToken, &drill.token, NOW), "one is not the other");
    }

    #[test]
    fn drills_and_loot_are_bounded() {
        let drills = Drills::default();
        let first = drills.start(NOW);
        let with_first = |action: fn(&mut Drill) -> usize| {
            drills.with(|drill| drill.session == first.session, action)
        };
        for _ in 0..100 {
            with_first(|drill| {
                drill.receive(Loot::default());
                0
            });
        }
        assert_eq!(with_first(|drill| drill.loot.len()), Some(MAX_LOOT));
        for _ in 0..MAX_DRILLS {
            drills.start(NOW);
        }
        assert_eq!(with_first(|_| 0), None);
        let other = drills.start(NOW);
        drills.end(&other.session);
        assert_eq!(drills.with(|drill| drill.session == other.session, |_| ()), None);
    }
}
