//! Verifies access tokens, in the order of RFC 9068 §4 and RFC 8725 §3.

use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use super::claims::{AccessClaims, TYPE};
use super::error::TokenError;
use super::key::VerifyingKey;
use super::ring::{KeyRing, MAX_LEEWAY};
use crate::jose::{Jws, Members};

/// Our own have less than 2 kB.
pub const MAX_BYTES: usize = 16 * 1024;

/// For clocks with NTP: most tokens were issued by the same process.
pub const DEFAULT_LEEWAY: Span = Span::seconds(5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub issuer: String,
    pub audience: String,
    /// Allowed clock skew, [`MAX_LEEWAY`] at most.
    pub leeway: Span,
}

impl Expected {
    /// With [`DEFAULT_LEEWAY`].
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), leeway: DEFAULT_LEEWAY }
    }
}

/// Verifies a token and returns its claims. Fetches no keys.
pub fn verify(
    token: &str,
    ring: &KeyRing,
    expected: &Expected,
    now: Timestamp,
) -> Result<AccessClaims, TokenError> {
    verify_by(token, ring, expected, now).map(|(claims, _)| claims)
}

/// Also returns the key.
pub(super) fn verify_by(
    token: &str,
    ring: &KeyRing,
    expected: &Expected,
    now: Timestamp,
) -> Result<(AccessClaims, VerifyingKey), TokenError> {
    if token.len() > MAX_BYTES {
        return Err(TokenError::TooLarge);
    }
    let jws = Jws::split(token).ok_or(TokenError::Malformed)?;
    let header = parse(&jws.header, TokenError::HeaderDuplicate)?;
    let key = key_for(&header, ring, now)?;
    if !key.verifies(jws.signing_input.as_bytes(), &jws.signature) {
        return Err(TokenError::SignatureInvalid);
    }
    // Only after the signature, so that no forged claim is parsed.
    let claims = AccessClaims::parse(&parse(&jws.payload, TokenError::ClaimDuplicate)?)?;
    check(&claims, expected, now)?;
    Ok((claims, key.clone()))
}

/// Checks the claims after the signature (RFC 9068 §4 steps 3, 4 and 6).
pub fn check(claims: &AccessClaims, expected: &Expected, now: Timestamp) -> Result<(), TokenError> {
    if claims.iss != expected.issuer {
        return Err(TokenError::IssuerWrong);
    }
    if claims.aud != expected.audience {
        return Err(TokenError::AudienceWrong);
    }
    check_times(claims, expected.leeway, now)
}

/// The checks that depend on the time. A token is expired "on or after" `exp` (RFC 7519 §4.1.4).
pub(super) fn check_times(
    claims: &AccessClaims,
    leeway: Span,
    now: Timestamp,
) -> Result<(), TokenError> {
    let leeway = leeway.min(MAX_LEEWAY);
    if Timestamp::from_seconds(claims.exp).plus(leeway) <= now {
        return Err(TokenError::Expired);
    }
    let valid_from = claims.nbf.max(claims.iat);
    if now.plus(leeway) < Timestamp::from_seconds(valid_from) {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

fn parse(json: &[u8], duplicate: TokenError) -> Result<Members, TokenError> {
    let members = Members::parse(json).ok_or(TokenError::Malformed)?;
    if members.has_duplicates() { Err(duplicate) } else { Ok(members) }
}

/// Validates the header and returns its key.
fn key_for<'a>(
    header: &Members,
    ring: &'a KeyRing,
    now: Timestamp,
) -> Result<&'a VerifyingKey, TokenError> {
    let text =
        |name| header.get(name).and_then(Value::as_str).ok_or(TokenError::HeaderInvalid(name));

    // RFC 8725 §3.2: in upper or lower case.
    let algorithm = text("alg")?;
    if algorithm.eq_ignore_ascii_case("none") {
        return Err(TokenError::AlgorithmNone);
    }
    // RFC 7515 §4.1.11: we support no extension. RFC 7797 §6: `b64` is one, even without `crit`.
    if header.get("crit").or(header.get("b64")).is_some() {
        return Err(TokenError::CriticalHeader);
    }
    // RFC 9068 §4 step 1: no other kind of JWT.
    let kind = header.get("typ").and_then(Value::as_str).ok_or(TokenError::TypeWrong)?;
    let kind = match kind.split_once('/') {
        Some((tree, kind)) if tree.eq_ignore_ascii_case("application") => kind,
        _ => kind,
    };
    if !kind.eq_ignore_ascii_case(TYPE) {
        return Err(TokenError::TypeWrong);
    }
    // RFC 8725 §3.10: we would ignore them, but a token with one of them is not ours.
    if ["jwk", "jku", "x5c", "x5u"].iter().any(|name| header.get(name).is_some()) {
        return Err(TokenError::EmbeddedKey);
    }
    let key = ring.verifying_key(text("kid")?, now).ok_or(TokenError::UnknownKey)?;
    // RFC 8725 §3.1: the key determines the algorithm.
    if algorithm != key.algorithm().as_str() {
        return Err(TokenError::AlgorithmMismatch);
    }
    Ok(key)
}
