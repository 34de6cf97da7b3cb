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
    /// The decoy token in a cookie that is `HttpOnly`.
    pub(crate) hidden_token: String,
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

/// By what somebody is known to the decoy API: a credential, and where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub(crate) enum By {
    #[strum(serialize = "the HttpOnly cookie")]
    Session,
    #[strum(serialize = "the cookie without HttpOnly")]
    Open,
    #[strum(serialize = "the token")]
    Token,
    #[strum(serialize = "the token in an HttpOnly cookie")]
    HiddenToken,
}

impl Scene {
    fn begin(now: Timestamp) -> Self {
        Self {
            number: random::token()[..12].to_owned(),
            session: random::token(),
            open: random::token(),
            token: random::token(),
            hidden_token: random::token(),
            token_ends_at: now.plus(TOKEN_LIVES),
            is_signed_in: true,
            email: EMAIL.to_owned(),
            arrived: Vec::new(),
            used: Vec::new(),
        }
    }

    /// Whether the decoy API takes this.
    pub(crate) fn accepts(&self, by: By, shown: &str, now: Timestamp) -> bool {
        match by {
            By::Session => self.is_signed_in && self.session == shown,
            By::Open => self.is_signed_in && self.open == shown,
            // They say everything themselves: nobody is asked whether it has ended.
            By::Token => self.token == shown && now < self.token_ends_at,
            By::HiddenToken => self.hidden_token == shown && now < self.token_ends_at,
        }
    }

    pub(crate) fn arrive(&mut self, arrived: Arrived) {
        if self.arrived.len() < MAX_ARRIVED {
            self.arrived.push(arrived);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Stage(Mutex<VecDeque<Scene>>);

impl Stage {
    /// Sets a scene; the oldest makes room.
    pub(crate) fn begin(&self, now: Timestamp) -> Scene {
        let scene = Scene::begin(now);
        let mut scenes = self.0.lock();
        if scenes.len() >= MAX_SCENES {
            scenes.pop_front();
        }
        scenes.push_back(scene.clone());
        scene
    }

    pub(crate) fn end(&self, session: &str) {
        self.0.lock().retain(|scene| scene.session != session);
    }

    /// Does something with the scene that is meant, if it is there.
    pub(crate) fn with<T>(
        &self,
        is_it: impl Fn(&Scene) -> bool,
        act: impl FnOnce(&mut Scene) -> T,
    ) -> Option<T> {
        self.0.lock().iter_mut().find(|scene| is_it(scene)).map(act)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_450_320);

    #[test]
    fn signing_out_ends_the_sessions_and_not_the_tokens() {
        let mut scene = Scene::begin(NOW);
        let later = NOW.plus(Span::minutes(5));
        let all = |scene: &Scene, at: Timestamp| {
            [
                scene.accepts(By::Session, &scene.session, at),
                scene.accepts(By::Open, &scene.open, at),
                scene.accepts(By::Token, &scene.token, at),
                scene.accepts(By::HiddenToken, &scene.hidden_token, at),
            ]
        };
        assert_eq!(all(&scene, NOW), [true, true, true, true]);
        assert_eq!(all(&scene, later), [true, true, false, false], "the tokens expire");
        scene.is_signed_in = false;
        assert_eq!(all(&scene, NOW), [false, false, true, true]);
        assert!(!scene.accepts(By::HiddenToken, &scene.token, NOW), "one is not the other");
    }

    #[test]
    fn it_is_bounded() {
        let stage = Stage::default();
        let first = stage.begin(NOW);
        let with_first =
            |act: fn(&mut Scene) -> usize| stage.with(|scene| scene.session == first.session, act);
        for _ in 0..100 {
            with_first(|scene| {
                scene.arrive(Arrived::default());
                0
            });
        }
        assert_eq!(with_first(|scene| scene.arrived.len()), Some(MAX_ARRIVED));
        for _ in 0..MAX_SCENES {
            stage.begin(NOW);
        }
        assert_eq!(with_first(|_| 0), None);
        let other = stage.begin(NOW);
        stage.end(&other.session);
        assert_eq!(stage.with(|scene| scene.session == other.session, |_| ()), None);
    }
}
