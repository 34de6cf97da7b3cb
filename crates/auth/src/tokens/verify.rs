//! Verifying an access token, in the order of RFC 9068 §4 and RFC 8725 §3.

use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use super::claims::{AccessClaims, TYPE};
use super::error::TokenError;
use super::key::VerifyingKey;
use super::ring::{KeyRing, MAX_LEEWAY};
use crate::jose::{Jws, Members};

/// Ours have less than 2 kB; a longer one is not even split.
pub const MAX_BYTES: usize = 16 * 1024;

/// For clocks that are kept by NTP: the same process issued most of the tokens.
pub const DEFAULT_LEEWAY: Span = Span::seconds(5);

/// What a token has to say to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub issuer: String,
    pub audience: String,
    /// By how much clocks may differ, [`MAX_LEEWAY`] at most.
    pub leeway: Span,
}

impl Expected {
    /// This issuer and this audience, with [`DEFAULT_LEEWAY`].
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), leeway: DEFAULT_LEEWAY }
    }
}

/// Verifies a token and reads its claims.
///
/// Pure: it asks the ring and the time that it is given, and nothing else. No
/// key is fetched, whatever a token says of where to find one.
pub fn verify(
    token: &str,
    ring: &KeyRing,
    expected: &Expected,
    now: Timestamp,
) -> Result<AccessClaims, TokenError> {
    verify_by(token, ring, expected, now).map(|(claims, _)| claims)
}

/// Verifies a token, and tells by which key.
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
    let header = read(&jws.header, TokenError::HeaderDuplicate)?;
    let key = key_for(&header, ring, now)?;
    if !key.verifies(jws.signing_input.as_bytes(), &jws.signature) {
        return Err(TokenError::SignatureInvalid);
    }
    // Nothing of the claims was looked at before they were known to be ours.
    let claims = AccessClaims::read(&read(&jws.payload, TokenError::ClaimDuplicate)?)?;
    check(&claims, expected, now)?;
    Ok((claims, key.clone()))
}

/// Judges claims that are known to be genuine (RFC 9068 §4 steps 3, 4 and 6).
pub fn check(claims: &AccessClaims, expected: &Expected, now: Timestamp) -> Result<(), TokenError> {
    if claims.iss != expected.issuer {
        return Err(TokenError::IssuerWrong);
    }
    if claims.aud != expected.audience {
        return Err(TokenError::AudienceWrong);
    }
    check_times(claims, expected.leeway, now)
}

/// The part of the judgement that changes while a token is carried around.
///
/// "On or after" `exp` it is over (RFC 7519 §4.1.4).
pub(super) fn check_times(
    claims: &AccessClaims,
    leeway: Span,
    now: Timestamp,
) -> Result<(), TokenError> {
    let leeway = leeway.min(MAX_LEEWAY);
    if Timestamp::from_seconds(claims.exp).plus(leeway) <= now {
        return Err(TokenError::Expired);
    }
    let begins = claims.nbf.max(claims.iat);
    if now.plus(leeway) < Timestamp::from_seconds(begins) {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

fn read(json: &[u8], duplicate: TokenError) -> Result<Members, TokenError> {
    let members = Members::parse(json).ok_or(TokenError::Malformed)?;
    if members.has_duplicates() { Err(duplicate) } else { Ok(members) }
}

/// The key that has to have signed a token with this header.
fn key_for<'a>(
    header: &Members,
    ring: &'a KeyRing,
    now: Timestamp,
) -> Result<&'a VerifyingKey, TokenError> {
    let text =
        |name| header.get(name).and_then(Value::as_str).ok_or(TokenError::HeaderInvalid(name));

    // RFC 8725 §3.2: not signed is not signed, in whatever spelling.
    let algorithm = text("alg")?;
    if algorithm.eq_ignore_ascii_case("none") {
        return Err(TokenError::AlgorithmNone);
    }
    // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
    // RFC 7797 §6: `b64` is one, even where it is not said to be.
    if header.get("crit").or(header.get("b64")).is_some() {
        return Err(TokenError::CriticalHeader);
    }
    // RFC 9068 §4 step 1: an ID token or any other JWT of ours is no access token.
    let kind = header.get("typ").and_then(Value::as_str).ok_or(TokenError::TypeWrong)?;
    let kind = match kind.split_once('/') {
        Some((tree, kind)) if tree.eq_ignore_ascii_case("application") => kind,
        _ => kind,
    };
    if !kind.eq_ignore_ascii_case(TYPE) {
        return Err(TokenError::TypeWrong);
    }
    // RFC 8725 §3.10: they would not be followed; but a token that has one of
    // them is not ours, and whoever sends it should read so in the log.
    if ["jwk", "jku", "x5c", "x5u"].iter().any(|name| header.get(name).is_some()) {
        return Err(TokenError::EmbeddedKey);
    }
    let key = ring.verifying_key(text("kid")?, now).ok_or(TokenError::UnknownKey)?;
    // RFC 8725 §3.1: the key decides by which algorithm it verifies.
    if algorithm != key.algorithm().as_str() {
        return Err(TokenError::AlgorithmMismatch);
    }
    Ok(key)
}
