//! The second question: is it signed, and by this key?

use latchkey_auth::tokens::KeyRing;
use latchkey_domain::Timestamp;

use super::claims::CheckResult::{self, Fail, Pass, Skipped};
use super::decode::DecodedToken;
use super::keys::PastedKey;
use super::visible::visible;

#[derive(Clone, Copy)]
pub(crate) enum Against<'k> {
    /// The keys of this service, as they are now.
    Ours(&'k KeyRing, Timestamp),
    Pasted(&'k [PastedKey]),
}

pub(super) type Checked = (CheckResult, Vec<String>);

const INVALID: &str =
    "The signature does not fit: something was changed, or another key signed it.";
const CUT_OFF: &str = "The token was cut off before the end of its signature.";

fn fail(said: impl Into<String>) -> Checked {
    (Fail, vec![said.into()])
}

pub(super) fn skipped(said: &str) -> Checked {
    (Skipped, vec![said.to_owned()])
}

fn verified(algorithm: &str, key: &str) -> Checked {
    let said = format!("Signed with {algorithm} by {key}: not a character was changed since.");
    (Pass, vec![said])
}

/// Checks the signature of a token against keys, and says nothing of its claims.
pub(crate) fn check(token: &DecodedToken, against: Against<'_>) -> Checked {
    let Some(header) = &token.header else {
        return skipped("There is nothing here that could be signed.");
    };
    if token.is_encrypted() {
        return skipped("An encrypted token has an authentication tag in place of a signature.");
    }
    let Some(algorithm) = token.algorithm() else {
        return fail(
            "The header names no algorithm that can be read, so there is no way to check.",
        );
    };
    if algorithm.eq_ignore_ascii_case("none") {
        return fail(
            "alg is none: it says of itself that it is not signed, so anybody could have written \
             it.",
        );
    }
    let (Some(signed), Some(signature)) = (&token.signed, &token.signature) else {
        return fail(CUT_OFF);
    };
    if signature.is_empty() {
        return fail("The signature is missing: its part is empty.");
    }
    if header.members.get("crit").is_some() {
        return fail(
            "The header has crit: whoever does not understand what it names has to refuse the \
             token, however good its signature (RFC 7515 §4.1.11). Nothing is understood here.",
        );
    }
    if header.members.get("b64").is_some() {
        return fail("The header has b64: what is signed is not what is written (RFC 7797).");
    }
    let kid = token.header_text("kid");
    let asked = Question { algorithm, kid, signed: signed.as_bytes(), signature };
    match against {
        Against::Ours(ring, now) => by_ours(&asked, ring, now),
        Against::Pasted(keys) => by_pasted(&asked, keys),
    }
}

struct Question<'t> {
    algorithm: &'t str,
    kid: Option<&'t str>,
    signed: &'t [u8],
    signature: &'t [u8],
}

impl Question<'_> {
    /// Why a signature does not fit, as far as it is known.
    fn invalid(&self) -> Checked {
        let is_short = length(self.algorithm).is_some_and(|whole| self.signature.len() < whole);
        fail(if is_short { CUT_OFF } else { INVALID })
    }

    fn mismatch(&self, allowed: &str) -> Checked {
        let named = visible(self.algorithm);
        fail(format!(
            "The header says {named}, and the key verifies {allowed} only. The key decides, not \
             the token: otherwise a public key could be passed off as a secret (RFC 8725 §3.1)."
        ))
    }
}

fn unknown(kid: &str) -> Checked {
    let kid = visible(kid);
    fail(format!("No key is called {kid}: somebody else signed it, or the key is gone."))
}

fn by_ours(asked: &Question<'_>, ring: &KeyRing, now: Timestamp) -> Checked {
    let Some(kid) = asked.kid else {
        return fail("The header names no key (kid), and every token of this service does.");
    };
    match ring.verifying_key(kid, now) {
        Some(key) if asked.algorithm != key.algorithm().as_str() => {
            asked.mismatch(key.algorithm().as_str())
        }
        Some(key) if key.verifies(asked.signed, asked.signature) => {
            verified(asked.algorithm, &format!("the key {kid} of this service"))
        }
        Some(_) => asked.invalid(),
        None if ring.keys().any(|key| key.kid() == kid) => fail(format!(
            "The key {} was ours. It has retired, and nothing that it signed is taken any more.",
            visible(kid)
        )),
        None => unknown(kid),
    }
}

fn by_pasted(asked: &Question<'_>, keys: &[PastedKey]) -> Checked {
    // A key without a name may be the one that is meant.
    let named = |key: &&PastedKey| match (asked.kid, key.kid()) {
        (Some(wanted), Some(kid)) => wanted == kid,
        _ => true,
    };
    let candidates: Vec<_> = keys.iter().filter(named).collect();
    if candidates.is_empty() {
        return unknown(asked.kid.unwrap_or_default());
    }
    let mut allowed: Vec<_> = candidates.iter().flat_map(|key| key.algorithms()).collect();
    if !allowed.contains(&asked.algorithm) {
        allowed.dedup();
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        return asked.mismatch(&allowed);
    }
    let good =
        candidates.iter().find(|key| key.verifies(asked.algorithm, asked.signed, asked.signature));
    let Some(key) = good else { return asked.invalid() };
    let named = key.kid().map(|kid| format!(" {}", visible(kid))).unwrap_or_default();
    let (result, mut said) =
        verified(asked.algorithm, &format!("the {} key{named} that you gave", key.kind()));
    if key.is_weak(asked.algorithm) {
        said.push(
            "The secret is shorter than its hash: it can be guessed offline from a single token \
             (RFC 7518 §3.2)."
                .to_owned(),
        );
    }
    (result, said)
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
