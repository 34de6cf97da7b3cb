//! The key ring, and the timing that lets keys change without one refused token.
//!
//! Several processes keep a copy of one ring, and each reads it anew when it hears
//! that something was written, within [`RELOAD_EVERY`]. The life of a key, from the rotation at `t`:
//!
//! | when | the new key | the old key |
//! |---|---|---|
//! | `t` | is written: published and accepted | signs |
//! | `t` + [`RELOAD_EVERY`] | every process knows it | signs |
//! | `t` + [`SIGNS_AFTER`] | signs | retires: signs no more, is accepted |
//! | … + TTL + leeway + [`GRACE`] | signs | is gone: all it signed has expired |
//!
//! So no process meets a key that it does not know, and none drops a key while
//! something that it signed is alive. Clocks may differ by the distance between
//! the first two lines and the third. A process that missed several reloads
//! meets [`TokenError::UnknownKey`](super::TokenError::UnknownKey) instead of
//! refusing: it reads the ring once more then, at most every [`RELOAD_EVERY`]
//! ([`Verifier::may_reload`](super::Verifier::may_reload)).

use latchkey_domain::{Span, Timestamp};
use serde_json::{Value, json};

use super::key::{SigningKey, VerifyingKey};

/// No more leeway than this, whatever is configured: "a few minutes" of RFC
/// 7519 §4.1.4 would be as long as a token lives.
pub const MAX_LEEWAY: Span = Span::seconds(60);

/// How soon a process has read a ring that changed, off the path of any request;
/// and how often at most a token with an unknown key makes it look.
pub const RELOAD_EVERY: Span = Span::seconds(1);

/// How long a new key is known before it signs: ten reloads, so that some may
/// fail, clocks may differ, and copies of the JWKS have time to be renewed.
pub const SIGNS_AFTER: Span = Span::seconds(10);

/// How long a copy of the published keys may be kept (`Cache-Control: max-age`,
/// seconds). Shorter than [`SIGNS_AFTER`], so that no fresh copy lacks a key
/// that signs.
pub const MAX_AGE_SECONDS: u32 = 5;

/// How much longer than its last token a retired key is accepted: for a process
/// that had not heard of the rotation and still signed with it. A minute is
/// plenty, because no token is issued without the database that the ring is in.
pub const GRACE: Span = Span::minutes(1);

#[derive(Clone, Debug)]
pub enum Key {
    Private(SigningKey),
    /// This process can only verify.
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

/// The keys that sign and verify: a copy that never changes. A new one takes its place.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<RingKey>,
    accepted_after_retirement: Span,
}

impl KeyRing {
    /// The ring of these keys, for access tokens that live for `access_ttl`.
    pub fn new(mut keys: Vec<RingKey>, access_ttl: Span) -> Self {
        // The newest first. Two processes may add a key at the same time: then
        // the name decides, for all of them alike.
        keys.sort_by(|a, b| {
            let age = |key: &RingKey| (key.signs_from, key.created_at);
            age(b).cmp(&age(a)).then_with(|| b.kid().cmp(a.kid()))
        });
        let whole = access_ttl.as_millis() + MAX_LEEWAY.as_millis() + GRACE.as_millis();
        Self { keys, accepted_after_retirement: Span::millis(whole) }
    }

    /// Every key, the newest first, whatever its state.
    pub fn keys(&self) -> impl Iterator<Item = &RingKey> {
        self.keys.iter()
    }

    /// The key that signs now: the newest whose time has come.
    ///
    /// Where none has come yet, the earliest to come signs: it is the first key
    /// of all, made by a process whose clock is a little ahead of ours. `None`
    /// when this process has no private key to sign with.
    pub fn signing_key(&self, now: Timestamp) -> Option<&SigningKey> {
        let due = self.keys.iter().find_map(|key| key.key.signing().filter(|_| key.signs_at(now)));
        due.or_else(|| {
            let mut oldest_first = self.keys.iter().rev();
            oldest_first.find_map(|key| key.key.signing().filter(|_| now < key.signs_from))
        })
    }

    /// The key of that name, while what it signed is taken.
    ///
    /// A name only looks up: it is no path, no URL and no statement (RFC 8725 §3.10).
    pub fn verifying_key(&self, kid: &str, now: Timestamp) -> Option<&VerifyingKey> {
        self.accepted(now).find(|key| key.kid() == kid)
    }

    /// The keys that anybody may know: those that are accepted and asymmetric.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = &VerifyingKey> {
        self.accepted(now).filter(|key| !key.algorithm().is_symmetric())
    }

    /// The JSON Web Key Set (RFC 7517 §5): every key whose signatures are taken
    /// now, or will be made soon. HMAC keys are never in it.
    pub fn key_set(&self, now: Timestamp) -> Value {
        let keys: Vec<Value> = self.published(now).filter_map(VerifyingKey::to_jwk).collect();
        json!({ "keys": keys })
    }

    /// The key that signs last, unless another is added: does a key that
    /// somebody brings have to be added, or is it there already?
    pub fn newest(&self) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.retired_at.is_none())
    }

    /// When a key that is added now begins to sign, and all others retire.
    ///
    /// The first key of all signs at once; nobody can hold anything else.
    pub fn next_signs_from(&self, now: Timestamp) -> Timestamp {
        if self.newest().is_some() { now.plus(SIGNS_AFTER) } else { now }
    }

    /// When a key is accepted no longer; `None` while it has not retired.
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
