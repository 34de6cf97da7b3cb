//! Remembering what was verified.
//!
//! An EdDSA signature takes some 40 µs to verify, a lookup here less than one.
//! It gives the same answer as [`verify`](super::verify()), because that depends
//! on five things only:
//!
//! * *the token*: an entry is found by the SHA-256 of the whole of it, header,
//!   claims and signature;
//! * *the expected issuer and audience*: they never change in a [`Verifier`];
//! * *the key*: an entry remembers which key verified it, and each hit asks the
//!   present ring whether that very key (not just its name) is still accepted;
//! * *the leeway*, which never changes either, and
//! * *the time*: each hit judges `exp`, `nbf` and `iat` anew.
//!
//! A refusal is never remembered: it may be due to a key that comes later, and
//! anybody could fill the memory with them. What is remembered is bounded, so
//! a flood of good tokens costs no more than their verification. Revocation is
//! not decided here: who watches revoked sign-ins asks for `sid` after each hit.

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

/// Tokens that are remembered, at most; about 1 kB each.
pub const CAPACITY: u64 = 10_000;

/// Verifies tokens against the present ring, each signature only once.
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
    /// A verifier that remembers [`CAPACITY`] tokens.
    pub fn new(ring: KeyRing, expected: Expected) -> Self {
        Self::with_capacity(ring, expected, CAPACITY)
    }

    /// A verifier that remembers about so many tokens; with 0, none.
    pub fn with_capacity(ring: KeyRing, expected: Expected, capacity: u64) -> Self {
        Self {
            expected,
            ring: ArcSwap::from_pointee(ring),
            cache: Cache::new(capacity),
            reloaded_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Verifies a token, as [`verify`](super::verify()) does, or says the first reason to
    /// refuse it. At [`TokenError::UnknownKey`], a caller that [may](Verifier::may_reload) reads the
    /// ring anew and asks once more.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<AccessClaims>, TokenError> {
        // Its digest is not worth taking: it would be refused for its size.
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

    /// Puts another ring in its place, for the next token on. What was verified
    /// with a key that it lacks counts no longer.
    pub fn replace_ring(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }

    /// Whether an unknown key is a reason to read the ring anew: once in
    /// [`RELOAD_EVERY`], or anybody could have the database asked by inventing keys.
    ///
    /// Who gets `true` has to do it; everybody else waits for that, or refuses.
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

    /// How many it remembers, once those that have to go are gone.
    pub fn cached_tokens(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.entry_count()
    }
}
