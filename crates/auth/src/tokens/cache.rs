//! A cache of verified tokens.
//!
//! Verifying an EdDSA signature takes about 40 µs, a lookup less than one. The result is the
//! same as that of [`verify`](super::verify()), which depends on five inputs:
//!
//! * the token: entries are keyed by the SHA-256 of the whole token;
//! * the expected issuer and audience, which are constant in a [`Verifier`];
//! * the key: each hit checks that the current ring still accepts the key that verified the
//!   token, not just its `kid`;
//! * the leeway, which is constant too;
//! * the time: each hit checks `exp`, `nbf` and `iat`.
//!
//! Errors are not cached: the key may be added later, and forged tokens could fill the cache.
//! The caller checks revocation after each hit.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use latchkey_domain::{Span, Timestamp};
use moka::sync::Cache;

use super::claims::AccessClaims;
use super::error::TokenError;
use super::key::VerifyingKey;
use super::ring::{KeyRing, RELOAD_EVERY};
use super::verify::{self, Expected, check_times, verify_by};
use crate::fingerprint::{Fingerprint, fingerprint};

/// Cached tokens, about 1 kB each.
pub const CAPACITY: u64 = 10_000;

/// Verifies tokens against the current ring, each signature only once.
#[derive(Debug)]
pub struct Verifier {
    expected: Expected,
    ring: ArcSwap<KeyRing>,
    cache: Cache<Fingerprint, Entry>,
    reloaded_at: AtomicI64,
}

#[derive(Clone, Debug)]
struct Entry {
    claims: Arc<AccessClaims>,
    key: VerifyingKey,
}

impl Verifier {
    /// With [`CAPACITY`].
    pub fn new(ring: KeyRing, expected: Expected) -> Self {
        Self::with_capacity(ring, expected, CAPACITY)
    }

    /// The capacity is approximate; 0 disables the cache.
    pub fn with_capacity(ring: KeyRing, expected: Expected, capacity: u64) -> Self {
        Self {
            expected,
            ring: ArcSwap::from_pointee(ring),
            cache: Cache::new(capacity),
            reloaded_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Like [`verify`](super::verify()). On [`TokenError::UnknownKey`], a caller that
    /// [may](Verifier::may_reload) reloads the ring and tries again.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<AccessClaims>, TokenError> {
        // Before hashing it.
        if token.len() > verify::MAX_BYTES {
            return Err(TokenError::TooLarge);
        }
        let ring = self.ring.load();
        let fingerprint = fingerprint(token);
        if let Some(Entry { claims, key }) = self.cache.get(&fingerprint)
            && ring.verifying_key(key.kid(), now) == Some(&key)
        {
            check_times(&claims, self.expected.leeway, now)?;
            return Ok(claims);
        }
        let (claims, key) = verify_by(token, &ring, &self.expected, now)?;
        let claims = Arc::new(claims);
        self.cache.insert(fingerprint, Entry { claims: Arc::clone(&claims), key });
        Ok(claims)
    }

    pub fn ring(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// Tokens of a key that is not in the new ring are rejected from now on.
    pub fn replace_ring(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }

    /// Whether an unknown key may cause a reload: once per [`RELOAD_EVERY`], so that made-up
    /// keys do not cause a query each. A caller that gets `true` must reload.
    pub fn may_reload(&self, now: Timestamp) -> bool {
        let next = now.minus(RELOAD_EVERY).as_millis();
        self.reloaded_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                (last <= next).then_some(now.as_millis())
            })
            .is_ok()
    }

    pub fn leeway(&self) -> Span {
        self.expected.leeway
    }

    /// After pending evictions.
    pub fn cached_tokens(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.entry_count()
    }
}
