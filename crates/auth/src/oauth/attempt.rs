//! What we remember of an authorization request until the answer comes.

use latchkey_domain::connection::ProviderScopes;
use latchkey_domain::{CredentialKind, ReturnTo, SignInId, Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::secret::{AppSecret, EncryptError, Purpose as KeyPurpose};

/// How long somebody may take at the provider.
pub const LIFETIME: Span = Span::minutes(10);

/// How long the browser keeps the cookie: longer than the attempt lives, so
/// that somebody who comes too late is told just that.
pub const COOKIE_LIFETIME: Span = Span::minutes(60);

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
    pub verifier: String,
    pub return_to: ReturnTo,
    pub purpose: Purpose,
    pub started_at: Timestamp,
    pub progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Waiting,
    /// Its answer has come: a cookie stays behind for the callback alone, emptied of its
    /// secrets, so that Back and reload can be told from a stranger's link.
    Finished,
    /// Its answer was good, and for this sign-in: whoever has it, and comes once more
    /// (a browser that fetched ahead, a reload), goes on to where they were going.
    Succeeded(SignInId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    SignIn(CredentialKind),
    /// The same, and the provider is to ask the person anew, whoever is signed in
    /// there (OpenID Connect Core §3.1.2.1).
    Reauthenticate(CredentialKind),
    Link(UserId),
    /// To connect services at the provider to an account. Nobody is signed in by it.
    Connect {
        user: UserId,
        scopes: String,
    },
}

impl Purpose {
    pub fn connect(user: UserId, scopes: &ProviderScopes) -> Self {
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

    /// The name of its cookie, which begins so. The state is no secret: it stands in URLs.
    pub fn cookie_name(prefix: &str, state: &str) -> String {
        // Sixteen characters of 43 keep cookies apart; the whole is compared later.
        let name: String = state.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        format!("{prefix}{name}")
    }

    pub fn seal(&self, secret: &AppSecret) -> Result<String, EncryptError> {
        secret.seal_json(KeyPurpose::OAuthAttempt, &self.state, self)
    }

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

/// How the names of cookies begin, behind the product's prefix, whose attempts wait for
/// their answer.
pub const PENDING_COOKIE: &str = "attempt_";

/// The same of those that have had it.
pub const USED_COOKIE: &str = "used_";

/// Finds out whether an answer belongs to an attempt of this browser.
///
/// * `attempt`: what the browser's cookie for this state held, if it had one.
/// * `sent`: when and to whom we sent out this state, if we did ([`decode_state`]).
/// * `browser`: what the browser that comes back calls itself.
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
    let hash = latchkey_store::hash::sha256_hex(browser);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}
