//! What we remember of an authorization request until the answer comes.

use latchkey_domain::connection::Granted;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_domain::{SignInId, Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::secret::{AppSecret, EncryptError, Purpose as KeyPurpose};

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
    pub provider: String,
    /// Fresh for each attempt (RFC 6749 §10.12); 256 bits.
    pub state: String,
    /// Ties the ID token to this attempt (OpenID Connect Core §3.1.2.1).
    pub nonce: String,
    /// The PKCE code verifier (RFC 7636 §4.1).
    pub verifier: String,
    pub return_to: ReturnTo,
    pub purpose: Purpose,
    pub started_at: Timestamp,
    pub progress: Progress,
}

/// How far an attempt has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Waiting,
    /// Its answer has come: the cookie stays behind, emptied of its secrets, so
    /// that Back and reload can be told from a stranger's link.
    Finished,
    /// Its answer was good for this sign-in: whoever has it, and comes once more
    /// (a browser that fetched ahead, a reload), goes on to where they were going.
    Succeeded(SignInId),
}

/// What an authorization request is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    SignIn(CredentialKind),
    /// The same, and the provider is to ask the person anew, whoever is signed in
    /// there (OpenID Connect Core §3.1.2.1).
    Reauthenticate(CredentialKind),
    /// To link the identity to the account of this user, who is signed in.
    Link(UserId),
    /// To connect services at the provider to an account. Nobody is signed in by it.
    Connect {
        user: UserId,
        scopes: String,
    },
}

impl Purpose {
    pub fn connect(user: UserId, scopes: &Granted) -> Self {
        Self::Connect { user, scopes: scopes.to_string() }
    }
}

/// Why an answer does not belong to an attempt of this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptError {
    Expired {
        age: Span,
    },
    /// This browser has had its answer already: Back, or reload.
    AlreadyUsed,
    /// We sent out this state to a browser like this one, but its cookie is gone.
    CookieMissing,
    OtherBrowser,
    Unknown,
}

impl Attempt {
    /// A new attempt with fresh secrets. `browser` is what the browser calls itself.
    pub fn new(
        provider: &str,
        purpose: Purpose,
        return_to: ReturnTo,
        browser: &str,
        secret: &AppSecret,
        now: Timestamp,
    ) -> Result<Self, EncryptError> {
        Ok(Self {
            provider: provider.to_owned(),
            state: new_state(browser, secret, now)?,
            nonce: random::token(),
            verifier: random::token(),
            return_to,
            purpose,
            started_at: now,
            progress: Progress::Waiting,
        })
    }

    /// The name of its cookie, without a prefix. The state is no secret: it
    /// stands in URLs.
    pub fn cookie_name(state: &str) -> String {
        // Sixteen characters of 43 keep cookies apart; the whole is compared later.
        let name: String = state.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        format!("{COOKIE_PREFIX}{name}")
    }

    pub fn seal(&self, secret: &AppSecret) -> Result<String, EncryptError> {
        secret.seal_json(KeyPurpose::OAuthAttempt, &self.state, self)
    }

    /// Opens the cookie that belongs to a state.
    pub fn open(cookie: &str, state: &str, secret: &AppSecret) -> Option<Self> {
        let json = secret.open(KeyPurpose::OAuthAttempt, state, cookie).ok()?;
        serde_json::from_slice::<Self>(&json).ok().filter(|attempt| attempt.state == state)
    }

    /// What is left of it when its answer has come.
    pub fn after(mut self, progress: Progress) -> Self {
        self.progress = progress;
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
/// * `sent`: when and to whom we sent out this state, if we did ([`decode_state`]).
/// * `browser`: what the browser that comes back calls itself.
///
/// # Errors
/// Says which of the four ways of not belonging it is.
pub fn validate(
    attempt: Option<Attempt>,
    provider: &str,
    sent: Option<Sent>,
    browser: &str,
    now: Timestamp,
) -> Result<Attempt, AttemptError> {
    match attempt {
        Some(attempt) if attempt.progress != Progress::Waiting => Err(AttemptError::AlreadyUsed),
        Some(attempt) if now.since(attempt.started_at) > LIFETIME => {
            Err(AttemptError::Expired { age: now.since(attempt.started_at) })
        }
        // A state of ours at another provider's callback is a mix-up (RFC 9700 §4.4).
        Some(attempt) if attempt.provider != provider => Err(AttemptError::Unknown),
        Some(attempt) => Ok(attempt),
        None => match sent {
            Some(sent) if now.since(sent.at) > LIFETIME => {
                Err(AttemptError::Expired { age: now.since(sent.at) })
            }
            Some(sent) if sent.to == fingerprint(browser) => Err(AttemptError::CookieMissing),
            Some(_) => Err(AttemptError::OtherBrowser),
            None => Err(AttemptError::Unknown),
        },
    }
}

/// When a state was sent out, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    at: Timestamp,
    to: [u8; 8],
}

/// A state: 256 random bits, and, sealed, when it was made and for what kind of
/// browser.
///
/// The sealed part is not what protects; it lets us tell somebody who comes too
/// late, or with another browser, from somebody who made the state up.
fn new_state(browser: &str, secret: &AppSecret, now: Timestamp) -> Result<String, EncryptError> {
    let random = random::token();
    let mut text = now.as_millis().to_be_bytes().to_vec();
    text.extend(fingerprint(browser));
    let sealed = secret.seal(KeyPurpose::OAuthAttempt, &random, &text)?;
    Ok(format!("{random}.{sealed}"))
}

/// When we sent out this state, and to whom; `None` if we never did.
pub fn decode_state(state: &str, secret: &AppSecret) -> Option<Sent> {
    let (random, sealed) = state.split_once('.')?;
    let text = secret.open(KeyPurpose::OAuthAttempt, random, sealed).ok()?;
    let (millis, to) = text.split_first_chunk::<8>()?;
    let at = Timestamp::from_millis(i64::from_be_bytes(*millis));
    Some(Sent { at, to: to.try_into().ok()? })
}

/// A short mark of what a browser calls itself.
fn fingerprint(browser: &str) -> [u8; 8] {
    let mut mark = [0; 8];
    let hash = latchkey_store::hash::of(browser);
    mark.copy_from_slice(&hash.as_bytes()[..8]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const PURPOSE: Purpose = Purpose::SignIn(CredentialKind::Session);

    fn secret() -> AppSecret {
        AppSecret::new(&Secret::new("test"), &[])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_attempt_opens_only_for_its_own_state() {
        let secret = secret();
        let new = || {
            Attempt::new("google", PURPOSE, ReturnTo::default(), "Firefox", &secret, at(0))
                .expect("an attempt")
        };
        let (one, other) = (new(), new());
        let sealed = one.seal(&secret).expect("a cookie");
        assert_eq!(Attempt::open(&sealed, &one.state, &secret), Some(one.clone()));
        assert_eq!(Attempt::open(&sealed, &other.state, &secret), None);
        assert_eq!(Attempt::open("junk", &one.state, &secret), None);
        let known = decode_state(&one.state, &secret);
        assert_eq!(known, Some(Sent { at: at(0), to: fingerprint("Firefox") }));
        assert_eq!(decode_state("made.up", &secret), None);
        assert!(!sealed.contains(&one.verifier));
        let finished = one.clone().after(Progress::Finished).seal(&secret).expect("a cookie");
        let left = Attempt::open(&finished, &one.state, &secret);
        assert!(left.is_some_and(|left| left.verifier.is_empty() && left.nonce.is_empty()));
    }

    #[test]
    fn what_it_is_for_comes_back() {
        let secret = secret();
        let user = UserId::new(at(0), random::bytes());
        for purpose in [
            Purpose::SignIn(CredentialKind::Session),
            Purpose::SignIn(CredentialKind::Jwt),
            Purpose::Reauthenticate(CredentialKind::Jwt),
            Purpose::Link(user),
            Purpose::connect(user, &Granted::parse("calendar contacts")),
        ] {
            let return_to = ReturnTo::default();
            let attempt =
                Attempt::new("google", purpose.clone(), return_to, "Firefox", &secret, at(0))
                    .expect("an attempt");
            let sealed = attempt.seal(&secret).expect("a cookie");
            let opened = Attempt::open(&sealed, &attempt.state, &secret);
            assert_eq!(opened.map(|opened| opened.purpose), Some(purpose));
        }
    }

    #[test]
    fn answers_that_do_not_belong_are_told_apart() {
        let attempt = || {
            Attempt::new("google", PURPOSE, ReturnTo::default(), "Firefox", &secret(), at(1_000))
                .expect("an attempt")
        };
        let minutes = |n: i64| at(1_000 + n * 60);
        for (cookie, provider, sent_to, now, expected) in [
            (Some(attempt()), "google", Some("Firefox"), minutes(9), Ok(())),
            (Some(attempt()), "google", Some("Firefox"), minutes(10), Ok(())),
            (
                Some(attempt()),
                "google",
                Some("Firefox"),
                minutes(14),
                Err(AttemptError::Expired { age: Span::minutes(14) }),
            ),
            (Some(attempt()), "github", Some("Firefox"), minutes(1), Err(AttemptError::Unknown)),
            (
                Some(attempt().after(Progress::Finished)),
                "google",
                Some("Firefox"),
                minutes(1),
                Err(AttemptError::AlreadyUsed),
            ),
            (None, "google", Some("Firefox"), minutes(1), Err(AttemptError::CookieMissing)),
            (None, "google", Some("Safari"), minutes(1), Err(AttemptError::OtherBrowser)),
            (
                None,
                "google",
                Some("Firefox"),
                minutes(90),
                Err(AttemptError::Expired { age: Span::minutes(90) }),
            ),
            (None, "google", None, minutes(1), Err(AttemptError::Unknown)),
        ] {
            let sent = sent_to.map(|to| Sent { at: at(1_000), to: fingerprint(to) });
            let judged = validate(cookie, provider, sent, "Firefox", now);
            assert_eq!(judged.map(|_| ()), expected);
        }
    }
}
