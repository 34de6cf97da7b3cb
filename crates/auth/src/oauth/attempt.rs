//! What we remember of an authorization request until the answer comes.

use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::Key;
use latchkey_domain::{Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::secret::{AppSecret, Purpose};

/// How long somebody may take at the provider.
pub const LIFETIME: Span = Span::minutes(10);

/// How long the browser keeps the cookie: longer than the attempt lives, so
/// that somebody who comes too late is told just that.
pub const REMEMBERED: Span = Span::minutes(60);

/// One attempt to sign in, which lies encrypted in one cookie of the browser.
///
/// It binds the answer to the browser that asked (RFC 9700 §4.7): whoever
/// opens somebody else's callback has no cookie that opens. It needs no row in
/// the database, and two tabs have two cookies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The provider's name in our URLs.
    pub provider: String,
    /// Fresh for each attempt (RFC 6749 §10.12); 256 bits.
    pub state: String,
    /// Ties the ID token to this attempt (OpenID Connect Core §3.1.2.1).
    pub nonce: String,
    /// The PKCE code verifier (RFC 7636 §4.1).
    pub verifier: String,
    /// What the person wants to carry afterwards.
    pub key: Key,
    /// Where they want to go afterwards.
    pub return_to: ReturnTo,
    /// Who, being signed in, set out to link what comes back to their account.
    pub linking: Option<UserId>,
    /// When they set out.
    pub started_at: Timestamp,
    /// Whether its answer has come: the cookie stays behind, emptied of its
    /// secrets, so that Back and reload can be told from a stranger's link.
    pub finished: bool,
}

/// Why an answer does not belong to an attempt of this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// The answer came too late.
    Expired {
        /// How old the attempt was.
        age: Span,
    },
    /// This browser has had its answer already: Back, or reload.
    AlreadyUsed,
    /// We sent out this state, but to another browser, or the cookie is gone.
    OtherBrowser,
    /// Nobody here sent out this state.
    Unknown,
}

impl Attempt {
    /// A new attempt with fresh secrets.
    #[must_use]
    pub fn new(
        provider: &str,
        key: Key,
        return_to: ReturnTo,
        secret: &AppSecret,
        now: Timestamp,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            state: new_state(secret, now),
            nonce: random::token(),
            verifier: random::token(),
            key,
            return_to,
            linking: None,
            started_at: now,
            finished: false,
        }
    }

    /// The same attempt, made to link an identity to an account.
    #[must_use]
    pub fn linking(mut self, user: UserId) -> Self {
        self.linking = Some(user);
        self
    }

    /// The name of its cookie, without a prefix. The state is no secret: it
    /// stands in URLs.
    #[must_use]
    pub fn cookie_name(state: &str) -> String {
        // Sixteen characters of 43 keep cookies apart; the whole is compared later.
        let name: String = state.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        format!("{COOKIE_PREFIX}{name}")
    }

    /// Encrypts it for its cookie.
    #[must_use]
    pub fn seal(&self, secret: &AppSecret) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        secret.seal(Purpose::OAuthAttempt, &self.state, &json)
    }

    /// Opens the cookie that belongs to a state.
    #[must_use]
    pub fn open(cookie: &str, state: &str, secret: &AppSecret) -> Option<Self> {
        let json = secret.open(Purpose::OAuthAttempt, state, cookie).ok()?;
        serde_json::from_slice::<Self>(&json).ok().filter(|attempt| attempt.state == state)
    }

    /// What is left of it when its answer has come.
    #[must_use]
    pub fn finished(mut self) -> Self {
        self.finished = true;
        self.nonce.clear();
        self.verifier.clear();
        self
    }
}

/// What the names of all attempt cookies begin with.
pub const COOKIE_PREFIX: &str = "latchkey_attempt_";

/// Finds out whether an answer belongs to an attempt of this browser.
///
/// * `attempt`: what the browser's cookie for this state held, if it had one.
/// * `sent_at`: when we sent out this state, if we did ([`sent_at`]).
///
/// # Errors
/// Says which of the four ways of not belonging it is.
pub fn belongs(
    attempt: Option<Attempt>,
    provider: &str,
    sent_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Attempt, Stray> {
    let age = sent_at.map(|at| now.since(at));
    match attempt {
        Some(attempt) if attempt.finished => Err(Stray::AlreadyUsed),
        Some(attempt) if now.since(attempt.started_at) > LIFETIME => {
            Err(Stray::Expired { age: now.since(attempt.started_at) })
        }
        // A state of ours at another provider's callback is a mix-up (RFC 9700 §4.4).
        Some(attempt) if attempt.provider != provider => Err(Stray::Unknown),
        Some(attempt) => Ok(attempt),
        None => match age {
            Some(age) if age > LIFETIME => Err(Stray::Expired { age }),
            Some(_) => Err(Stray::OtherBrowser),
            None => Err(Stray::Unknown),
        },
    }
}

/// A state: 256 random bits, and the sealed time at which it was made.
///
/// The time is not what protects; it lets us tell somebody who comes too late,
/// or with another browser, from somebody who made the state up.
fn new_state(secret: &AppSecret, now: Timestamp) -> String {
    let random = random::token();
    let time = secret.seal(Purpose::OAuthAttempt, &random, &now.as_millis().to_be_bytes());
    format!("{random}.{time}")
}

/// When we sent out this state; `None` if we never did.
#[must_use]
pub fn sent_at(state: &str, secret: &AppSecret) -> Option<Timestamp> {
    let (random, time) = state.split_once('.')?;
    let millis = secret.open(Purpose::OAuthAttempt, random, time).ok()?;
    Some(Timestamp::from_millis(i64::from_be_bytes(millis.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn secret() -> AppSecret {
        AppSecret::new(&Secret::new("test"), &[])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_attempt_opens_only_for_its_own_state() {
        let secret = secret();
        let new = || Attempt::new("google", Key::Session, ReturnTo::default(), &secret, at(0));
        let (one, other) = (new(), new());
        let sealed = one.seal(&secret);
        assert_eq!(Attempt::open(&sealed, &one.state, &secret), Some(one.clone()));
        assert_eq!(Attempt::open(&sealed, &other.state, &secret), None);
        assert_eq!(Attempt::open("junk", &one.state, &secret), None);
        assert_eq!(sent_at(&one.state, &secret), Some(at(0)));
        assert_eq!(sent_at("made.up", &secret), None);
        assert!(!sealed.contains(&one.verifier));
        let left = Attempt::open(&one.clone().finished().seal(&secret), &one.state, &secret);
        assert!(left.is_some_and(|left| left.verifier.is_empty() && left.nonce.is_empty()));
    }

    #[test]
    fn answers_that_do_not_belong_are_told_apart() {
        let attempt =
            || Attempt::new("google", Key::Session, ReturnTo::default(), &secret(), at(1_000));
        let minutes = |n: i64| at(1_000 + n * 60);
        for (cookie, provider, sent, now, expected) in [
            (Some(attempt()), "google", Some(at(1_000)), minutes(9), Ok(())),
            (Some(attempt()), "google", Some(at(1_000)), minutes(10), Ok(())),
            (
                Some(attempt()),
                "google",
                Some(at(1_000)),
                minutes(14),
                Err(Stray::Expired { age: Span::minutes(14) }),
            ),
            (Some(attempt()), "github", Some(at(1_000)), minutes(1), Err(Stray::Unknown)),
            (
                Some(attempt().finished()),
                "google",
                Some(at(1_000)),
                minutes(1),
                Err(Stray::AlreadyUsed),
            ),
            (None, "google", Some(at(1_000)), minutes(1), Err(Stray::OtherBrowser)),
            (
                None,
                "google",
                Some(at(1_000)),
                minutes(90),
                Err(Stray::Expired { age: Span::minutes(90) }),
            ),
            (None, "google", None, minutes(1), Err(Stray::Unknown)),
        ] {
            assert_eq!(belongs(cookie, provider, sent, now).map(|_| ()), expected);
        }
    }
}
