//! The second question: is it signed, and by this key?

use latchkey_auth::tokens::KeyRing;
use latchkey_domain::Timestamp;
use serde_json::Value;

use super::claims::CheckResult;
use super::decode::DecodedToken;
use super::keys::PastedKey;
use super::visible::visible;

/// What to check a signature against.
#[derive(Clone, Copy)]
pub(crate) enum Against<'k> {
    Nothing,
    /// The keys of this service, as they are now.
    Ours(&'k KeyRing, Timestamp),
    Pasted(&'k [PastedKey]),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Signature {
    #[error("Not asked. What is decoded above could have been written by anybody.")]
    NotAsked,
    #[error("There is nothing here that could be signed.")]
    NothingToCheck,
    #[error("An encrypted token has an authentication tag in place of a signature.")]
    Encrypted,
    #[error("Signed with {algorithm} by {key}: not a character was changed since.")]
    Verified { algorithm: String, key: String, is_weak: bool },
    #[error("The signature is missing: its part is empty.")]
    Missing,
    #[error("The token was cut off before the end of its signature.")]
    CutOff,
    #[error(
        "alg is none: it says of itself that it is not signed, so anybody could have written it."
    )]
    AlgorithmNone,
    #[error("The header names no algorithm that can be read, so there is no way to check.")]
    NoAlgorithm,
    #[error(
        "The header has crit: whoever does not understand what it names has to refuse the token, \
         however good its signature (RFC 7515 §4.1.11). Nothing is understood here."
    )]
    Critical,
    #[error("The header has b64: what is signed is not what is written (RFC 7797).")]
    Unencoded,
    #[error("The header names no key (kid), and every token of this service does.")]
    NoKid,
    #[error("No key is called {0}: somebody else signed it, or the key is gone.")]
    UnknownKid(String),
    #[error("The key {0} was ours. It has retired, and nothing that it signed is taken any more.")]
    Retired(String),
    #[error(
        "The header says {named}, and the key verifies {allowed} only. The key decides, not the \
         token: otherwise a public key could be passed off as a secret (RFC 8725 §3.1)."
    )]
    AlgorithmMismatch { named: String, allowed: String },
    #[error("The signature does not fit: something was changed, or another key signed it.")]
    Invalid,
}

impl Signature {
    pub(crate) const fn result(&self) -> CheckResult {
        match self {
            Self::Verified { .. } => CheckResult::Pass,
            Self::NotAsked | Self::NothingToCheck | Self::Encrypted => CheckResult::Skipped,
            _ => CheckResult::Fail,
        }
    }
}

/// Checks the signature of a token against keys, and says nothing of its claims.
pub(crate) fn check(token: &DecodedToken, against: Against<'_>) -> Signature {
    if matches!(against, Against::Nothing) {
        return Signature::NotAsked;
    }
    let Some(header) = &token.header else { return Signature::NothingToCheck };
    if token.parts.len() == 5 {
        return Signature::Encrypted;
    }
    let Some(algorithm) = token.algorithm() else { return Signature::NoAlgorithm };
    if algorithm.eq_ignore_ascii_case("none") {
        return Signature::AlgorithmNone;
    }
    let (Some(signed), Some(signature)) = (&token.signed, &token.signature) else {
        return Signature::CutOff;
    };
    if signature.is_empty() {
        return Signature::Missing;
    }
    if header.members.get("crit").is_some() {
        return Signature::Critical;
    }
    if header.members.get("b64").is_some() {
        return Signature::Unencoded;
    }
    let kid = header.members.get("kid").and_then(Value::as_str);
    let asked = Question { algorithm, kid, signed, signature };
    let answer = match against {
        Against::Nothing => Signature::NotAsked,
        Against::Ours(ring, now) => by_ours(&asked, ring, now),
        Against::Pasted(keys) => by_pasted(&asked, keys),
    };
    let is_short = length(algorithm).is_some_and(|whole| signature.len() < whole);
    // Why it does not fit is known better.
    if answer == Signature::Invalid && is_short { Signature::CutOff } else { answer }
}

struct Question<'t> {
    algorithm: &'t str,
    kid: Option<&'t str>,
    signed: &'t str,
    signature: &'t [u8],
}

fn by_ours(asked: &Question<'_>, ring: &KeyRing, now: Timestamp) -> Signature {
    let Some(kid) = asked.kid else { return Signature::NoKid };
    let Some(key) = ring.verifying_key(kid, now) else {
        let was_ours = ring.keys().any(|key| key.kid() == kid);
        return if was_ours {
            Signature::Retired(visible(kid))
        } else {
            Signature::UnknownKid(visible(kid))
        };
    };
    let allowed = key.algorithm().as_str();
    if asked.algorithm != allowed {
        return mismatch(asked, allowed.to_owned());
    }
    if !key.verifies(asked.signed.as_bytes(), asked.signature) {
        return Signature::Invalid;
    }
    let key = format!("the key {kid} of this service");
    Signature::Verified { algorithm: allowed.to_owned(), key, is_weak: false }
}

fn by_pasted(asked: &Question<'_>, keys: &[PastedKey]) -> Signature {
    // A key without a name may be the one that is meant.
    let named = |key: &&PastedKey| match (asked.kid, key.kid()) {
        (Some(wanted), Some(kid)) => wanted == kid,
        _ => true,
    };
    let candidates: Vec<_> = keys.iter().filter(named).collect();
    if candidates.is_empty() {
        return Signature::UnknownKid(visible(asked.kid.unwrap_or_default()));
    }
    let fitting: Vec<_> =
        candidates.iter().filter(|key| key.algorithms().contains(&asked.algorithm)).collect();
    if fitting.is_empty() {
        let mut allowed: Vec<_> = candidates.iter().flat_map(|key| key.algorithms()).collect();
        allowed.dedup();
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        return mismatch(asked, allowed);
    }
    let message = asked.signed.as_bytes();
    let good = fitting.iter().find(|key| key.verifies(asked.algorithm, message, asked.signature));
    let Some(key) = good else { return Signature::Invalid };
    let named = key.kid().map(|kid| format!(" {}", visible(kid))).unwrap_or_default();
    Signature::Verified {
        algorithm: asked.algorithm.to_owned(),
        key: format!("the {} key{named} that you gave", key.kind()),
        is_weak: key.is_weak(asked.algorithm),
    }
}

fn mismatch(asked: &Question<'_>, allowed: String) -> Signature {
    Signature::AlgorithmMismatch { named: visible(asked.algorithm), allowed }
}

/// How long a signature is at least, in bytes.
fn length(algorithm: &str) -> Option<usize> {
    Some(match algorithm {
        "HS256" => 32,
        "HS384" => 48,
        "HS512" | "EdDSA" | "Ed25519" | "ES256" => 64,
        "ES384" => 96,
        "ES512" => 132,
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => 256,
        _ => return None,
    })
}
