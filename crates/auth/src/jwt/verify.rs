//! Verifying an access token, in the order of RFC 9068 §4 and RFC 8725 §3.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use super::members::Members;
use super::{AccessClaims, KeyRing, Refused, TYPE, VerifyingKey};

/// Ours have less than 2 kB; a longer one is not even split.
pub const MAX_BYTES: usize = 16 * 1024;

/// No more leeway than this, whatever is configured: "a few minutes" of RFC
/// 7519 §4.1.4 would be as long as a token lives.
pub const MAX_LEEWAY: Span = Span::seconds(60);

/// For clocks that are kept by NTP: the same process issued most of the tokens.
pub const DEFAULT_LEEWAY: Span = Span::seconds(5);

/// What a token has to say to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Who issued it, to the letter.
    pub issuer: String,
    /// Whom it is meant for, to the letter.
    pub audience: String,
    /// By how much clocks may differ, [`MAX_LEEWAY`] at most.
    pub leeway: Span,
}

impl Expected {
    /// This issuer and this audience, with [`DEFAULT_LEEWAY`].
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), leeway: DEFAULT_LEEWAY }
    }
}

/// Verifies a token and reads its claims.
///
/// Pure: it asks the ring and the time that it is given, and nothing else. No
/// key is fetched, whatever a token says of where to find one.
///
/// # Errors
/// The first reason to refuse it.
pub fn verify(
    token: &str,
    ring: &KeyRing,
    expected: &Expected,
    now: Timestamp,
) -> Result<AccessClaims, Refused> {
    verify_by(token, ring, expected, now).map(|(claims, _)| claims)
}

/// Verifies a token, and tells by which key.
pub(super) fn verify_by(
    token: &str,
    ring: &KeyRing,
    expected: &Expected,
    now: Timestamp,
) -> Result<(AccessClaims, VerifyingKey), Refused> {
    let Parts { signed, header, claims, signature } = Parts::of(token)?;
    let header = read(&header, Refused::HeaderDuplicate)?;
    let key = key_for(&header, ring, now)?;
    if !key.verifies(signed.as_bytes(), signature) {
        return Err(Refused::SignatureInvalid);
    }
    // Nothing of the claims was looked at before they were known to be ours.
    let claims = AccessClaims::read(&read(&claims, Refused::ClaimDuplicate)?)?;
    check(&claims, expected, now)?;
    Ok((claims, key.clone()))
}

/// Judges claims that are known to be genuine (RFC 9068 §4 steps 3, 4 and 6).
///
/// # Errors
/// The first reason to refuse them.
pub fn check(claims: &AccessClaims, expected: &Expected, now: Timestamp) -> Result<(), Refused> {
    if claims.iss != expected.issuer {
        return Err(Refused::IssuerWrong);
    }
    if claims.aud != expected.audience {
        return Err(Refused::AudienceWrong);
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
) -> Result<(), Refused> {
    let leeway = leeway.min(MAX_LEEWAY);
    if Timestamp::from_seconds(claims.exp).plus(leeway) <= now {
        return Err(Refused::Expired);
    }
    let begins = claims.nbf.max(claims.iat);
    if now.plus(leeway) < Timestamp::from_seconds(begins) {
        return Err(Refused::NotYetValid);
    }
    Ok(())
}

/// A token in JWS compact serialization (RFC 7515 §7.1), taken apart.
pub(super) struct Parts<'a> {
    pub(super) signed: &'a str,
    pub(super) header: Vec<u8>,
    pub(super) claims: Vec<u8>,
    pub(super) signature: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn of(token: &'a str) -> Result<Self, Refused> {
        if token.len() > MAX_BYTES {
            return Err(Refused::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
        // The signature too, although it stays as it is: a second spelling of
        // it would be a second token. A further dot is in no alphabet.
        decode(signature)?;
        Ok(Self { signed, header: decode(header)?, claims: decode(claims)?, signature })
    }
}

/// Strict: no padding, no blanks, no stray bits at the end (RFC 7515 §2).
fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)
}

fn read(json: &[u8], twice: Refused) -> Result<Members, Refused> {
    let members = Members::read(json).ok_or(Refused::Malformed)?;
    if members.any_twice() { Err(twice) } else { Ok(members) }
}

/// The key that has to have signed a token with this header.
fn key_for<'a>(
    header: &Members,
    ring: &'a KeyRing,
    now: Timestamp,
) -> Result<&'a VerifyingKey, Refused> {
    let text = |name| header.get(name).and_then(Value::as_str).ok_or(Refused::HeaderInvalid(name));

    // RFC 8725 §3.2: not signed is not signed, in whatever spelling.
    let algorithm = text("alg")?;
    if algorithm.eq_ignore_ascii_case("none") {
        return Err(Refused::AlgorithmNone);
    }
    // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
    // RFC 7797 §6: `b64` is one, even where it is not said to be.
    if header.get("crit").or(header.get("b64")).is_some() {
        return Err(Refused::CriticalHeader);
    }
    // RFC 9068 §4 step 1: an ID token or any other JWT of ours is no access token.
    let kind = header.get("typ").and_then(Value::as_str).ok_or(Refused::TypeWrong)?;
    let kind = match kind.split_once('/') {
        Some((tree, kind)) if tree.eq_ignore_ascii_case("application") => kind,
        _ => kind,
    };
    if !kind.eq_ignore_ascii_case(TYPE) {
        return Err(Refused::TypeWrong);
    }
    // RFC 8725 §3.10: they would not be followed; but a token that has one of
    // them is not ours, and whoever sends it should read so in the log.
    if ["jwk", "jku", "x5c", "x5u"].iter().any(|name| header.get(name).is_some()) {
        return Err(Refused::EmbeddedKey);
    }
    let key = ring.verifying_key(text("kid")?, now).ok_or(Refused::UnknownKey)?;
    // RFC 8725 §3.1: the key decides by which algorithm it verifies.
    if algorithm != key.algorithm().as_str() {
        return Err(Refused::AlgorithmMismatch);
    }
    Ok(key)
}
