//! What the drill is played with: a decoy person, their decoy keys, and the
//! desk of a thief. In memory, bounded, and worth nothing anywhere else.

use std::collections::VecDeque;

use latchkey_auth::random;
use latchkey_domain::{Span, Timestamp};
use parking_lot::Mutex;
use serde::Deserialize;

/// More visitors at once than a developer has.
const MAX_SCENES: usize = 50;

/// More than anybody sends in one sitting.
const MAX_ARRIVED: usize = 12;

/// As long as an access token lives out of the box.
pub(crate) const TOKEN_LIVES: Span = Span::minutes(5);

/// What the decoy person is called, and their address to begin with.
pub(crate) const EMAIL: &str = "dora@decoy.example";

#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// Its number, which opens nothing: the thief is told by it whose loot it is.
    pub(crate) number: String,
    /// The decoy session in the cookie that is `HttpOnly`.
    pub(crate) session: String,
    pub(crate) open: String,
    pub(crate) token: String,
    pub(crate) token_ends_at: Timestamp,
    /// Whether the decoy person is signed in: what the cookies hang on.
    pub(crate) is_signed_in: bool,
    pub(crate) email: String,
    pub(crate) arrived: Vec<Arrived>,
    pub(crate) used: Vec<Used>,
}

/// What arrived at the thief's, from one page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Arrived {
    pub(crate) local_storage: String,
    pub(crate) cookies: String,
    pub(crate) ridden: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) what: &'static str,
    pub(crate) status: u16,
    pub(crate) answer: String,
}

/// By what somebody is known to the decoy API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The `HttpOnly` cookie.
    Session,
    Open,
    Token,
}

impl By {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Session => "the HttpOnly cookie",
            Self::Open => "the cookie without HttpOnly",
            Self::Token => "the token",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Stage(Mutex<VecDeque<Scene>>);

impl Stage {
    /// Sets a scene; the oldest makes room.
    pub(crate) fn begin(&self, now: Timestamp) -> Scene {
        let scene = Scene {
            number: random::token()[..12].to_owned(),
            session: random::token(),
            open: random::token(),
            token: random::token(),
            token_ends_at: now.plus(TOKEN_LIVES),
            is_signed_in: true,
            email: EMAIL.to_owned(),
            arrived: Vec::new(),
            used: Vec::new(),
        };
        let mut scenes = self.0.lock();
        if scenes.len() >= MAX_SCENES {
            scenes.pop_front();
        }
        scenes.push_back(scene.clone());
        scene
    }

    pub(crate) fn of_session(&self, session: &str) -> Option<Scene> {
        self.with(|scene| scene.session == session, |scene| scene.clone())
    }

    /// Who shows this to the decoy API.
    pub(crate) fn find(&self, by: By, shown: &str, now: Timestamp) -> Option<Scene> {
        let is_theirs = |scene: &Scene| match by {
            By::Session => scene.is_signed_in && scene.session == shown,
            By::Open => scene.is_signed_in && scene.open == shown,
            // It says everything itself: nobody is asked whether it has ended.
            By::Token => scene.token == shown && now < scene.token_ends_at,
        };
        self.with(is_theirs, |scene| scene.clone())
    }

    pub(crate) fn change_email(&self, number: &str, email: String) {
        self.with(|scene| scene.number == number, |scene| scene.email = email);
    }

    pub(crate) fn arrive(&self, number: &str, arrived: Arrived) -> bool {
        let put = |scene: &mut Scene| {
            if scene.arrived.len() < MAX_ARRIVED {
                scene.arrived.push(arrived);
            }
        };
        self.with(|scene| scene.number == number, put).is_some()
    }

    pub(crate) fn note_used(&self, number: &str, used: Used) {
        let put = |scene: &mut Scene| {
            scene.used.retain(|other| other.what != used.what);
            scene.used.push(used);
        };
        self.with(|scene| scene.number == number, put);
    }

    pub(crate) fn sign_out(&self, session: &str) {
        self.with(|scene| scene.session == session, |scene| scene.is_signed_in = false);
    }

    pub(crate) fn end(&self, session: &str) {
        let mut scenes = self.0.lock();
        scenes.retain(|scene| scene.session != session);
    }

    fn with<T>(
        &self,
        is_it: impl Fn(&Scene) -> bool,
        act: impl FnOnce(&mut Scene) -> T,
    ) -> Option<T> {
        let mut scenes = self.0.lock();
        scenes.iter_mut().find(|scene| is_it(scene)).map(act)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_450_320);

    #[test]
    fn signing_out_ends_the_cookies_and_not_the_token() {
        let stage = Stage::default();
        let scene = stage.begin(NOW);
        let later = NOW.plus(Span::minutes(5));
        let knows = |by: By, at: Timestamp| {
            let shown = match by {
                By::Session => &scene.session,
                By::Open => &scene.open,
                By::Token => &scene.token,
            };
            stage.find(by, shown, at).is_some()
        };
        let all = |at| [By::Session, By::Open, By::Token].map(|by| knows(by, at));
        assert_eq!(all(NOW), [true, true, true]);
        assert_eq!(all(later), [true, true, false], "the token expires");
        stage.sign_out(&scene.session);
        assert_eq!(all(NOW), [false, false, true]);
        assert!(stage.find(By::Session, &scene.token, NOW).is_none(), "one is not the other");
        stage.end(&scene.session);
        assert_eq!(all(NOW), [false, false, false]);
    }

    #[test]
    fn it_is_bounded() {
        let stage = Stage::default();
        let first = stage.begin(NOW);
        for _ in 0..100 {
            assert!(stage.arrive(&first.number, Arrived::default()));
        }
        let kept = stage.of_session(&first.session).map(|scene| scene.arrived.len());
        assert_eq!(kept, Some(MAX_ARRIVED));
        for _ in 0..MAX_SCENES {
            stage.begin(NOW);
        }
        assert!(stage.of_session(&first.session).is_none());
        assert!(!stage.arrive(&first.number, Arrived::default()));
    }
}
