//! Checks the signature of a token.

use latchkey_auth::tokens::KeyRing;
use latchkey_domain::Timestamp;

use super::claims::CheckResult::{self, Fail, Pass, Skipped};
use super::decode::DecodedToken;
use super::escape::escape_invisible;
use super::keys::PastedKey;

#[derive(Clone, Copy)]
pub(crate) enum Keys<'k> {
    /// The key ring of this service.
    Ours(&'k KeyRing, Timestamp),
    Pasted(&'k [PastedKey]),
}

/// The result with the messages that explain it.
pub(super) type Explained = (CheckResult, Vec<String>);

const INVALID: &str =
    "The signature does not match: the token was changed, or another key signed it.";
const CUT_OFF: &str = "The token was cut off before the end of its signature.";

fn fail(message: impl Into<String>) -> Explained {
    (Fail, vec![message.into()])
}

pub(super) fn skipped(message: &str) -> Explained {
    (Skipped, vec![message.to_owned()])
}

fn verified(algorithm: &str, key: &str) -> Explained {
    (Pass, vec![format!("Signed with {algorithm} by {key}, and unchanged since.")])
}

pub(crate) fn check(token: &DecodedToken, keys: Keys<'_>) -> Explained {
    let Some(header) = &token.header else {
        return skipped("There is no header that can be read.");
    };
    if token.is_encrypted() {
        return skipped("An encrypted token has an authentication tag instead of a signature.");
    }
    let Some(algorithm) = token.algorithm() else {
        return fail("The header names no algorithm, so the signature cannot be checked.");
    };
    if algorithm.eq_ignore_ascii_case("none") {
        return fail("alg is none: the token is not signed, so anyone could have written it.");
    }
    let (Some(signed), Some(signature)) = (&token.signed, &token.signature) else {
        return fail(CUT_OFF);
    };
    if signature.is_empty() {
        return fail("The signature is missing: its part is empty.");
    }
    if header.members.get("crit").is_some() {
        return fail(
            "The header has crit: a verifier must refuse extensions that it does not understand, \
             even if the signature is valid (RFC 7515 §4.1.11). The inspector supports none.",
        );
    }
    if header.members.get("b64").is_some() {
        return fail(
            "The header has b64: other text was signed than the token contains (RFC 7797).",
        );
    }
    let kid = token.header_text("kid");
    let input = SignatureInput { algorithm, kid, signed: signed.as_bytes(), signature };
    match keys {
        Keys::Ours(ring, now) => check_with_ours(&input, ring, now),
        Keys::Pasted(keys) => check_with_pasted(&input, keys),
    }
}

struct SignatureInput<'t> {
    algorithm: &'t str,
    kid: Option<&'t str>,
    signed: &'t [u8],
    signature: &'t [u8],
}

impl SignatureInput<'_> {
    fn invalid(&self) -> Explained {
        let minimum = minimum_length(self.algorithm);
        let is_cut_off = minimum.is_some_and(|minimum| self.signature.len() < minimum);
        fail(if is_cut_off { CUT_OFF } else { INVALID })
    }

    fn mismatch(&self, allowed: &str) -> Explained {
        let named = escape_invisible(self.algorithm);
        fail(format!(
            "The header says {named}, but the key only verifies {allowed}. The key decides, not \
             the token: otherwise a public key could be used as an HMAC secret (RFC 8725 §3.1)."
        ))
    }
}

fn unknown(kid: &str) -> Explained {
    let kid = escape_invisible(kid);
    fail(format!("No key has the ID {kid}: someone else signed it, or the key was removed."))
}

fn check_with_ours(input: &SignatureInput<'_>, ring: &KeyRing, now: Timestamp) -> Explained {
    let Some(kid) = input.kid else {
        return fail("The header names no key (kid), and every token of this service does.");
    };
    match ring.verifying_key(kid, now) {
        Some(key) if input.algorithm != key.algorithm().as_str() => {
            input.mismatch(key.algorithm().as_str())
        }
        Some(key) if key.verifies(input.signed, input.signature) => {
            verified(input.algorithm, &format!("the key {kid} of this service"))
        }
        Some(_) => input.invalid(),
        None if ring.keys().any(|key| key.kid() == kid) => fail(format!(
            "The key {} was ours. It is retired, so tokens that it signed are no longer accepted.",
            escape_invisible(kid)
        )),
        None => unknown(kid),
    }
}

fn check_with_pasted(input: &SignatureInput<'_>, keys: &[PastedKey]) -> Explained {
    // A key without an ID may be the right one.
    let may_match = |key: &&PastedKey| match (input.kid, key.kid()) {
        (Some(wanted), Some(kid)) => wanted == kid,
        _ => true,
    };
    let candidates: Vec<_> = keys.iter().filter(may_match).collect();
    if candidates.is_empty() {
        return unknown(input.kid.unwrap_or_default());
    }
    let mut allowed: Vec<_> = candidates.iter().flat_map(|key| key.algorithms()).collect();
    if !allowed.contains(&input.algorithm) {
        allowed.dedup();
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        return input.mismatch(&allowed);
    }
    let signer =
        candidates.iter().find(|key| key.verifies(input.algorithm, input.signed, input.signature));
    let Some(key) = signer else { return input.invalid() };
    let kid = key.kid().map(|kid| format!(" {}", escape_invisible(kid))).unwrap_or_default();
    let (result, mut messages) =
        verified(input.algorithm, &format!("the {} key{kid} that you gave", key.kind()));
    if key.is_weak(input.algorithm) {
        messages.push(
            "The secret is shorter than its hash, so it can be guessed offline from one token \
             (RFC 7518 §3.2)."
                .to_owned(),
        );
    }
    (result, messages)
}

/// The shortest valid signature, in bytes.
fn minimum_length(algorithm: &str) -> Option<usize> {
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
