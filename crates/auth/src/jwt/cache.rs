//! Remembering what was verified.
//!
//! An EdDSA signature takes some 40 µs to verify, a lookup here less than one.
//! It gives the same answer as [`verify`](super::verify()), because that depends
//! on five things only:
//!
//! * *the token*: an entry is found by the SHA-256 of the whole of it, header,
//!   claims and signature; two tokens with one digest are not to be found;
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

use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use latchkey_domain::{Span, Timestamp};

use super::ring::RELOAD_EVERY;
use super::verify::{Expected, check_times, verify_by};
use super::{AccessClaims, KeyRing, Refused, VerifyingKey};
use crate::generations::{Fingerprint, Generations, fingerprint};

/// Tokens that are remembered, at most; about 1 kB each.
pub const CAPACITY: usize = 10_000;

/// Locks, so that two requests seldom meet at one.
const SHARDS: usize = 16;

/// Verifies tokens against the present ring, each signature only once.
#[derive(Debug)]
pub struct Verifier {
    expected: Expected,
    ring: RwLock<Arc<KeyRing>>,
    cache: Vec<Mutex<Generations<Entry>>>,
    reloaded_at: AtomicI64,
}

#[derive(Clone, Debug)]
struct Entry {
    claims: Arc<AccessClaims>,
    key: VerifyingKey,
}

impl Verifier {
    /// A verifier that remembers [`CAPACITY`] tokens.
    #[must_use]
    pub fn new(ring: KeyRing, expected: Expected) -> Self {
        Self::with_capacity(ring, expected, CAPACITY)
    }

    /// A verifier that remembers about so many tokens; with 0, none.
    #[must_use]
    pub fn with_capacity(ring: KeyRing, expected: Expected, capacity: usize) -> Self {
        let each = capacity.div_ceil(2 * SHARDS);
        Self {
            expected,
            ring: RwLock::new(Arc::new(ring)),
            cache: (0..SHARDS).map(|_| Mutex::new(Generations::new(each))).collect(),
            reloaded_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Verifies a token, as [`verify`](super::verify()) does.
    ///
    /// # Errors
    /// The first reason to refuse it. At [`Refused::UnknownKey`], a caller that
    /// [may](Verifier::may_reload) reads the ring anew and asks once more.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<AccessClaims>, Refused> {
        // Its digest is not worth taking: it would be refused for its size.
        if token.len() > super::verify::MAX_BYTES {
            return Err(Refused::TooLarge);
        }
        let ring = self.ring();
        let fingerprint = fingerprint(token);
        if let Some(Entry { claims, key }) = self.remembered(&fingerprint)
            && ring.verifying_key(key.kid(), now) == Some(&key)
        {
            check_times(&claims, self.expected.leeway, now)?;
            return Ok(claims);
        }
        let (claims, key) = verify_by(token, &ring, &self.expected, now)?;
        let claims = Arc::new(claims);
        self.remember(fingerprint, Entry { claims: Arc::clone(&claims), key });
        Ok(claims)
    }

    /// The ring as it is now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read())
    }

    /// Puts another ring in its place, for the next token on. What was verified
    /// with a key that it lacks counts no longer.
    pub fn replace_ring(&self, ring: KeyRing) {
        *self.ring.write() = Arc::new(ring);
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

    /// By how much clocks may differ.
    #[must_use]
    pub fn leeway(&self) -> Span {
        self.expected.leeway
    }

    #[cfg(test)]
    pub(super) fn remembered_tokens(&self) -> usize {
        self.cache.iter().map(|shard| shard.lock().len()).sum()
    }

    fn remembered(&self, fingerprint: &Fingerprint) -> Option<Entry> {
        self.shard(fingerprint, |shard| shard.get(fingerprint)).flatten()
    }

    fn remember(&self, fingerprint: Fingerprint, entry: Entry) {
        self.shard(&fingerprint, |shard| shard.insert(fingerprint, entry));
    }

    /// The lock is held for the closure, which waits for nothing.
    fn shard<T>(
        &self,
        at: &Fingerprint,
        act: impl FnOnce(&mut Generations<Entry>) -> T,
    ) -> Option<T> {
        let shard = self.cache.get(usize::from(at[0]) % SHARDS)?;
        Some(act(&mut shard.lock()))
    }
}
