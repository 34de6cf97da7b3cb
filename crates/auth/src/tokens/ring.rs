//! The key ring, with a rotation that never invalidates a valid token.
//!
//! Each process has a copy of the ring, and reloads it within [`RELOAD_EVERY`] of a change. A
//! rotation at `t`:
//!
//! | time | new key | old key |
//! |---|---|---|
//! | `t` | stored, published and accepted | signs |
//! | `t` + [`RELOAD_EVERY`] | known to every process | signs |
//! | `t` + [`SIGNS_AFTER`] | signs | retired: accepted, but does not sign |
//! | … + TTL + leeway + [`GRACE`] | signs | removed: all its tokens have expired |
//!
//! So every process knows a key before it signs, and keeps it while its tokens are valid. Clocks
//! may differ by the time between the second and the third row. A process that missed several
//! reloads gets [`TokenError::UnknownKey`](super::TokenError::UnknownKey) and reloads, at most
//! once per [`RELOAD_EVERY`] ([`Verifier::may_reload`](super::Verifier::may_reload)).

use latchkey_domain::{Span, Timestamp};
use serde_json::{Value, json};

use super::key::{SigningKey, VerifyingKey};

/// The "few minutes" of RFC 7519 §4.1.4 would be as long as the lifetime of a token.
pub const MAX_LEEWAY: Span = Span::seconds(60);

/// A changed ring is reloaded within this time, in the background; an unknown key causes at most
/// one reload in this time.
pub const RELOAD_EVERY: Span = Span::seconds(1);

/// Ten reloads, so that some may fail, clocks may differ, and copies of the JWKS can expire.
pub const SIGNS_AFTER: Span = Span::seconds(10);

/// `Cache-Control: max-age` of the JWKS, in seconds. Shorter than [`SIGNS_AFTER`], so that no
/// fresh copy lacks a key that signs.
pub const MAX_AGE_SECONDS: u32 = 5;

/// How much longer a retired key is accepted than its last token is valid, for a process that
/// signed with it because it missed the rotation.
pub const GRACE: Span = Span::minutes(1);

#[derive(Clone, Debug)]
pub enum Key {
    Private(SigningKey),
    /// For a process that only verifies.
    Public(VerifyingKey),
}

impl Key {
    pub fn verifying(&self) -> &VerifyingKey {
        match self {
            Self::Private(key) => key.verifying(),
            Self::Public(key) => key,
        }
    }

    fn signing(&self) -> Option<&SigningKey> {
        match self {
            Self::Private(key) => Some(key),
            Self::Public(_) => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct RingKey {
    pub key: Key,
    pub created_at: Timestamp,
    pub signs_from: Timestamp,
    pub retired_at: Option<Timestamp>,
}

impl RingKey {
    pub fn kid(&self) -> &str {
        self.key.verifying().kid()
    }

    fn signs_at(&self, now: Timestamp) -> bool {
        self.signs_from <= now && self.retired_at.is_none_or(|at| now < at)
    }
}

/// An immutable snapshot of the keys.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<RingKey>,
    accepted_after_retirement: Span,
}

impl KeyRing {
    pub fn new(mut keys: Vec<RingKey>, access_ttl: Span) -> Self {
        // The newest first. If two processes add a key at the same time, the `kid` decides.
        keys.sort_by(|a, b| {
            let age = |key: &RingKey| (key.signs_from, key.created_at);
            age(b).cmp(&age(a)).then_with(|| b.kid().cmp(a.kid()))
        });
        Self { keys, accepted_after_retirement: access_ttl + MAX_LEEWAY + GRACE }
    }

    /// All keys in any state, the newest first.
    pub fn keys(&self) -> impl Iterator<Item = &RingKey> {
        self.keys.iter()
    }

    /// The newest private key that may sign now.
    ///
    /// If none may yet, the earliest: it is the very first key, from a process whose clock is
    /// ahead of ours. `None` without a private key.
    pub fn signing_key(&self, now: Timestamp) -> Option<&SigningKey> {
        let due = self.keys.iter().find_map(|key| key.key.signing().filter(|_| key.signs_at(now)));
        due.or_else(|| {
            let mut oldest_first = self.keys.iter().rev();
            oldest_first.find_map(|key| key.key.signing().filter(|_| now < key.signs_from))
        })
    }

    /// The accepted key with this `kid`, which is only compared, and never used as a path, a URL
    /// or in a query (RFC 8725 §3.10).
    pub fn verifying_key(&self, kid: &str, now: Timestamp) -> Option<&VerifyingKey> {
        self.accepted(now).find(|key| key.kid() == kid)
    }

    /// The accepted asymmetric keys.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = &VerifyingKey> {
        self.accepted(now).filter(|key| !key.algorithm().is_symmetric())
    }

    /// The JSON Web Key Set (RFC 7517 §5) of the [published](Self::published) keys.
    pub fn key_set(&self, now: Timestamp) -> Value {
        let keys: Vec<Value> = self.published(now).filter_map(VerifyingKey::to_jwk).collect();
        json!({ "keys": keys })
    }

    /// The newest key that is not retired.
    pub fn newest(&self) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.retired_at.is_none())
    }

    /// When a key that is added now starts to sign, and the others retire. The very first key
    /// signs immediately.
    pub fn next_signs_from(&self, now: Timestamp) -> Timestamp {
        if self.newest().is_some() { now.plus(SIGNS_AFTER) } else { now }
    }

    /// `None` if the key is not retired.
    pub fn accepted_until(&self, key: &RingKey) -> Option<Timestamp> {
        key.retired_at.map(|at| at.plus(self.accepted_after_retirement))
    }

    pub const fn accepted_after_retirement(&self) -> Span {
        self.accepted_after_retirement
    }

    fn accepted(&self, now: Timestamp) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter().filter(move |key| self.accepts(key, now)).map(|key| key.key.verifying())
    }

    fn accepts(&self, key: &RingKey, now: Timestamp) -> bool {
        self.accepted_until(key).is_none_or(|end| now < end)
    }
}
