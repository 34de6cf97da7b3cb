//! The state of an authorization request until its response arrives.

use latchkey_domain::connection::ProviderScopes;
use latchkey_domain::{CredentialKind, ReturnTo, SignInId, Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::secret::{AppSecret, EncryptError, Purpose as KeyPurpose};

/// How long a user may take at the provider.
pub const LIFETIME: Span = Span::minutes(10);

/// Longer than [`LIFETIME`], so that a late response gets an error that says so.
pub const COOKIE_LIFETIME: Span = Span::minutes(60);

/// One authorization request, encrypted in a cookie of its own.
///
/// The cookie binds the response to the browser that sent the request (RFC 9700 §4.7). It
/// needs no row in the database, and each tab has its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub provider: String,
    /// 256 random bits (RFC 6749 §10.12), and [`StateOrigin`], encrypted.
    pub state: String,
    /// Binds the ID token to this attempt (OpenID Connect Core §3.1.2.1).
    pub nonce: String,
    /// The PKCE code verifier (RFC 7636 §4.1).
    pub verifier: String,
    pub return_to: ReturnTo,
    pub purpose: Purpose,
    pub started_at: Timestamp,
    pub progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Waiting,
    /// The response has arrived. A cookie without secrets remains, to tell Back and reload
    /// from a forged link.
    Finished,
    /// The response led to this sign-in. If it comes again (a prefetch, a reload), the
    /// browser that has the sign-in is redirected once more.
    Succeeded(SignInId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    SignIn(CredentialKind),
    /// The provider must ask the user to authenticate again (OpenID Connect Core §3.1.2.1).
    Reauthenticate(CredentialKind),
    Link(UserId),
    /// Connects services at the provider to an account, without signing in.
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

/// Why a response does not belong to an attempt of this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptError {
    Expired {
        age: Span,
    },
    /// The response has arrived before: Back, or reload.
    AlreadyUsed,
    /// We issued the state to a browser like this one, but its cookie is gone.
    CookieMissing,
    OtherBrowser,
    Unknown,
}

impl Attempt {
    pub fn new(
        provider: &str,
        purpose: Purpose,
        return_to: ReturnTo,
        user_agent: &str,
        secret: &AppSecret,
        now: Timestamp,
    ) -> Result<Self, EncryptError> {
        Ok(Self {
            provider: provider.to_owned(),
            state: new_state(user_agent, secret, now)?,
            nonce: random::token(),
            verifier: random::token(),
            return_to,
            purpose,
            started_at: now,
            progress: Progress::Waiting,
        })
    }

    pub fn cookie_name(prefix: &str, state: &str) -> String {
        // 16 of 43 characters keep cookies apart; `open` compares the whole state.
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

    /// Removes the secrets when the response has arrived.
    pub fn finish(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self.nonce.clear();
        self.verifier.clear();
        self
    }
}

/// Prefix of the cookies of pending attempts, after the product's own.
pub const PENDING_COOKIE: &str = "attempt_";

/// Prefix of the cookies of finished attempts.
pub const USED_COOKIE: &str = "used_";

/// Checks that a response belongs to a pending attempt of this browser.
///
/// * `attempt`: from the cookie for this state, if there is one.
/// * `origin`: from [`decode_state`], if we issued this state.
pub fn validate(
    attempt: Option<Attempt>,
    provider: &str,
    origin: Option<StateOrigin>,
    user_agent: &str,
    now: Timestamp,
) -> Result<Attempt, AttemptError> {
    match attempt {
        Some(attempt) if attempt.progress != Progress::Waiting => Err(AttemptError::AlreadyUsed),
        Some(attempt) if now.since(attempt.started_at) > LIFETIME => {
            Err(AttemptError::Expired { age: now.since(attempt.started_at) })
        }
        // A valid state at another provider's callback is a mix-up attack (RFC 9700 §4.4).
        Some(attempt) if attempt.provider != provider => Err(AttemptError::Unknown),
        Some(attempt) => Ok(attempt),
        None => match origin {
            Some(origin) if now.since(origin.issued_at) > LIFETIME => {
                Err(AttemptError::Expired { age: now.since(origin.issued_at) })
            }
            Some(origin) if origin.user_agent == fingerprint(user_agent) => {
                Err(AttemptError::CookieMissing)
            }
            Some(_) => Err(AttemptError::OtherBrowser),
            None => Err(AttemptError::Unknown),
        },
    }
}

/// When a state was issued, and to which user agent.
///
/// It protects nothing: it tells a late response, or one in another browser, from a forged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateOrigin {
    issued_at: Timestamp,
    user_agent: [u8; 8],
}

fn new_state(user_agent: &str, secret: &AppSecret, now: Timestamp) -> Result<String, EncryptError> {
    let random = random::token();
    let mut text = now.as_millis().to_be_bytes().to_vec();
    text.extend(fingerprint(user_agent));
    let sealed = secret.seal(KeyPurpose::OAuthAttempt, &random, &text)?;
    Ok(format!("{random}.{sealed}"))
}

/// `None` for a state that we did not issue.
pub fn decode_state(state: &str, secret: &AppSecret) -> Option<StateOrigin> {
    let (random, sealed) = state.split_once('.')?;
    let text = secret.open(KeyPurpose::OAuthAttempt, random, sealed).ok()?;
    let (millis, user_agent) = text.split_first_chunk::<8>()?;
    let issued_at = Timestamp::from_millis(i64::from_be_bytes(*millis));
    Some(StateOrigin { issued_at, user_agent: user_agent.try_into().ok()? })
}

fn fingerprint(user_agent: &str) -> [u8; 8] {
    let hash = latchkey_store::hash::sha256_hex(user_agent);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}
