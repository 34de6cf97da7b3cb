//! ID token validation (OpenID Connect Core 1.0 §3.1.3.7), rule by rule in the order of the
//! standard, each with an error of its own.

use aws_lc_rs::digest;
use latchkey_domain::{Span, Subject, Timestamp};
use serde_json::{Map, Value};

use crate::jose::{Algorithm, Jws, Members, PublicKey, base64url};

/// Allowed clock skew.
pub const LEEWAY: Span = Span::seconds(60);

const MAX_BYTES: usize = 64 * 1024;

/// Public-key signatures only: the token's `alg` chooses among these (RFC 8725 §3.1).
const ALLOWED: [Algorithm; 11] = {
    use Algorithm::*;
    [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, Es256, Es384, Es512, EdDsa, Ed25519]
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    #[error("it is missing")]
    Missing,
    #[error("it is not a signed JWT")]
    Malformed,
    /// A duplicate header member or claim (RFC 7515 §4, RFC 7519 §4).
    #[error("it has a duplicate member or claim")]
    Duplicate,
    #[error("it is signed with an algorithm that is not allowed")]
    Algorithm,
    /// RFC 8725 §3.11.
    #[error("it is a token of another kind")]
    Type,
    #[error("it has a critical header that is not supported")]
    Critical,
    #[error("the issuer publishes no key that could have signed it")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is from another issuer")]
    Issuer,
    #[error("it is for another client")]
    Audience,
    #[error(
        "it has other audiences, which the provider’s …_AUDIENCES does not list, or its azp is \
         not this client"
    )]
    OtherAudiences,
    #[error("it was issued to another client")]
    AuthorizedParty,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it belongs to another attempt (nonce)")]
    Nonce,
    #[error("it belongs to another access token (at_hash)")]
    AccessTokenHash,
    #[error("its subject is not valid")]
    Subject,
    /// Some parsers round large numbers, which would name another user.
    #[error("its subject (sub) is a number instead of text (OpenID Connect Core §2)")]
    NumericSubject,
    #[error("it does not show that you have just signed in (auth_time)")]
    AuthTime,
}

#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// Other audiences that the token may have.
    pub audiences: &'a [String],
    pub nonce: &'a str,
    pub access_token: &'a str,
    /// The earliest acceptable `auth_time`, for a reauthentication.
    pub authenticated_since: Option<Timestamp>,
}

/// Nothing in it is trusted yet.
#[derive(Debug)]
pub struct Unverified<'a> {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    signing_input: &'a str,
    signature: Vec<u8>,
    claims: Members,
}

/// Parses a token and validates its header.
///
/// Ignores `jwk`, `jku`, `x5u` and `x5c`: a token must not bring its own key, and we fetch no
/// URL that it names (RFC 8725 §3.10).
pub fn parse(token: &str) -> Result<Unverified<'_>, IdTokenError> {
    if token.len() > MAX_BYTES {
        return Err(IdTokenError::Malformed);
    }
    let jws = Jws::split(token).ok_or(IdTokenError::Malformed)?;
    let (header, claims) = (object(&jws.header)?, object(&jws.payload)?);
    if header.get("crit").is_some() {
        return Err(IdTokenError::Critical);
    }
    match header.get("typ") {
        None => {}
        Some(Value::String(typ)) if typ.eq_ignore_ascii_case("jwt") => {}
        Some(_) => return Err(IdTokenError::Type),
    }
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let algorithm = algorithm.parse::<Algorithm>().map_err(|_| IdTokenError::Algorithm)?;
    if !ALLOWED.contains(&algorithm) {
        return Err(IdTokenError::Algorithm);
    }
    let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
    let Jws { signing_input, signature, .. } = jws;
    Ok(Unverified { algorithm, kid, signing_input, signature, claims })
}

fn object(json: &[u8]) -> Result<Members, IdTokenError> {
    let members = Members::parse(json).ok_or(IdTokenError::Malformed)?;
    if members.has_duplicates() { Err(IdTokenError::Duplicate) } else { Ok(members) }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub subject: Subject,
    /// When the user last authenticated at the issuer, if it says so.
    pub auth_time: Option<Timestamp>,
    pub all: Map<String, Value>,
}

impl Unverified<'_> {
    /// Rule 6. Without a `kid`, tries every key that supports the algorithm.
    pub fn verify_signature(&self, keys: &[PublicKey]) -> Result<(), IdTokenError> {
        let has_kid = |key: &&PublicKey| self.kid.is_none() || key.kid() == self.kid.as_deref();
        let usable = keys.iter().filter(has_kid).filter(|key| key.supports(self.algorithm));
        let message = self.signing_input.as_bytes();
        let mut error = IdTokenError::UnknownKey;
        for key in usable {
            if key.verifies(self.algorithm, message, &self.signature) {
                return Ok(());
            }
            error = IdTokenError::Signature;
        }
        Err(error)
    }

    /// The caller has verified the signature.
    pub(super) fn into_claims(self) -> Map<String, Value> {
        self.claims.into_vec().into_iter().collect()
    }

    /// Validates the claims (Core §3.1.3.7, §3.1.3.8). The caller has verified the signature.
    pub fn check(self, expected: &Expected<'_>, now: Timestamp) -> Result<Claims, IdTokenError> {
        let (algorithm, claims) = (self.algorithm, self.into_claims());
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| claims.get(name).map(|value| value.as_f64());

        // 2. `iss` is exactly the configured issuer.
        if text("iss") != Some(expected.issuer) {
            return Err(IdTokenError::Issuer);
        }
        // 3. `aud` contains us, and otherwise only configured audiences.
        let has_others = check_audience(claims.get("aud"), expected.client_id, expected.audiences)?;
        // 4, 5. `azp`, required with several audiences, is us.
        match claims.get("azp").map(Value::as_str) {
            Some(azp) if azp != Some(expected.client_id) => {
                return Err(IdTokenError::AuthorizedParty);
            }
            None if has_others => return Err(IdTokenError::OtherAudiences),
            _ => {}
        }
        // 9. `exp` is in the future.
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
        let seconds = |at: Timestamp| at.as_seconds() as f64;
        let (earliest, latest) = (seconds(now.minus(LEEWAY)), seconds(now.plus(LEEWAY)));
        if !time("exp").flatten().is_some_and(|exp| earliest < exp) {
            return Err(IdTokenError::Expired);
        }
        // 10. `iat`, and `nbf` if present (RFC 7519 §4.1.5), are not in the future.
        let is_past = |at: Option<f64>| at.is_some_and(|at| at <= latest);
        if !time("iat").is_some_and(is_past) || !time("nbf").is_none_or(is_past) {
            return Err(IdTokenError::NotYetValid);
        }
        // 11. `nonce` is that of this attempt.
        if text("nonce") != Some(expected.nonce) {
            return Err(IdTokenError::Nonce);
        }
        // 13. For a reauthentication, `auth_time` is not before this attempt.
        let auth_time =
            claims.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_seconds);
        let auth_time = auth_time.filter(|at| *at <= now.plus(LEEWAY)).map(|at| at.min(now));
        if let Some(since) = expected.authenticated_since
            && auth_time.is_none_or(|at| at < since.minus(LEEWAY))
        {
            return Err(IdTokenError::AuthTime);
        }
        // §3.1.3.8. `at_hash`, if present, is that of this access token.
        if let Some(at_hash) = claims.get("at_hash")
            && at_hash.as_str() != Some(&access_token_hash(algorithm, expected.access_token))
        {
            return Err(IdTokenError::AccessTokenHash);
        }
        // §2. `sub` is text.
        if claims.get("sub").is_some_and(Value::is_number) {
            return Err(IdTokenError::NumericSubject);
        }
        let subject =
            Subject::new(text("sub").unwrap_or_default()).map_err(|_| IdTokenError::Subject)?;
        Ok(Claims { subject, auth_time, all: claims })
    }
}

/// Whether `aud` has other members than us. It must contain us, and otherwise only `others`.
pub(super) fn check_audience(
    audience: Option<&Value>,
    client_id: &str,
    others: &[String],
) -> Result<bool, IdTokenError> {
    let all = match audience {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let is_us = |one: &&Value| one.as_str() == Some(client_id);
    let is_known = |one: &&Value| others.iter().any(|other| one.as_str() == Some(other));
    let (us, rest): (Vec<_>, Vec<_>) = all.iter().partition(is_us);
    if us.is_empty() {
        Err(IdTokenError::Audience)
    } else if rest.iter().all(is_known) {
        Ok(!rest.is_empty())
    } else {
        Err(IdTokenError::OtherAudiences)
    }
}

/// `at_hash`: the left half of the hash (Core §3.1.3.6).
fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let digest = digest::digest(algorithm.digest(), access_token.as_bytes());
    let half = digest.as_ref().len() / 2;
    base64url::encode(digest.as_ref().get(..half).unwrap_or_default())
}
