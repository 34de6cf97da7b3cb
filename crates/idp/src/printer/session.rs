//! What the application remembers about a visitor, on its side of the cookie.

use std::time::Duration;

use axum::http::{HeaderMap, header::COOKIE};

use super::{PATH, discovery::Server};
use crate::{
    bounded::Bounded,
    clock::Timestamp,
    digest::{Digest, secrets_match},
};

/// A name of its own: cookies know no ports, and others live on this host.
const COOKIE_NAME: &str = "calendar_printer";
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const CAPACITY: usize = 256;

/// An authorization request that is on its way: RFC 6749 §4.1.1, RFC 7636 §4.1.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) state: String,
    pub(super) verifier: String,
    pub(super) server: Server,
}

/// An access token, and where it can be given back.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) access_token: String,
    pub(super) server: Server,
}

#[derive(Debug)]
enum Visitor {
    Asking(Attempt),
    Connected(Token),
}

/// All visitors, by the digest of their cookie.
#[derive(Debug)]
pub(super) struct Sessions(Bounded<Visitor>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Bounded::new(CAPACITY))
    }
}

impl Sessions {
    pub(super) fn ask(&mut self, now: Timestamp, cookie: &str, attempt: Attempt) {
        self.keep(now, cookie, Visitor::Asking(attempt));
    }

    pub(super) fn connect(&mut self, now: Timestamp, cookie: &str, token: Token) {
        self.keep(now, cookie, Visitor::Connected(token));
    }

    fn keep(&mut self, now: Timestamp, cookie: &str, visitor: Visitor) {
        self.0.insert(now, Digest::of(cookie), now.plus(LIFETIME), visitor);
    }

    /// The attempt that an answer belongs to, once: RFC 9700 §4.7.1.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        cookie: &str,
        state: &str,
    ) -> Option<Attempt> {
        let key = Digest::of(cookie);
        let attempt = match self.0.get(now, &key)? {
            Visitor::Asking(attempt) if secrets_match(&attempt.state, state) => attempt.clone(),
            _ => return None,
        };
        self.0.remove(&key);
        Some(attempt)
    }

    pub(super) fn token(&self, now: Timestamp, cookie: &str) -> Option<Token> {
        match self.0.get(now, &Digest::of(cookie))? {
            Visitor::Connected(token) => Some(token.clone()),
            Visitor::Asking(_) => None,
        }
    }

    pub(super) fn forget(&mut self, cookie: &str) {
        self.0.remove(&Digest::of(cookie));
    }
}

/// The cookie that a browser sent.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

/// `Set-Cookie`: out of reach of scripts, on these pages alone. There is no TLS on loopback.
pub(super) fn set_cookie(value: &str) -> String {
    format!("{COOKIE_NAME}={value}; Path={PATH}; HttpOnly; SameSite=Lax")
}

/// `Set-Cookie` that takes it back.
pub(super) fn clear_cookie() -> String {
    format!("{COOKIE_NAME}=; Path={PATH}; HttpOnly; SameSite=Lax; Max-Age=0")
}
