//! The public keys, as anybody may fetch them.

use latchkey_domain::Timestamp;
use serde_json::{Value, json};

use super::{KeyRing, VerifyingKey};

/// How long a copy of the set may be kept (`Cache-Control: max-age`, seconds).
///
/// Shorter than the time between a key's publication and its first signature
/// ([`SIGNS_AFTER`](super::ring::SIGNS_AFTER)), so that no fresh copy lacks a
/// key that signs.
pub const MAX_AGE_SECONDS: u32 = 5;

/// The JSON Web Key Set of a ring (RFC 7517 §5): every key whose signatures are
/// taken now, or will be made soon. HMAC keys are never in it.
#[must_use]
pub fn key_set(ring: &KeyRing, now: Timestamp) -> Value {
    let keys: Vec<Value> = ring.published(now).filter_map(VerifyingKey::to_jwk).collect();
    json!({ "keys": keys })
}
