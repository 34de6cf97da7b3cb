//! Reads, verifies and forges JWTs. It shares no code with the app's verifier.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// base64url without padding (RFC 7515 §2).
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn malformed() -> Error {
    Error::unexpected("a token request", "something other than a JWT")
}

pub(crate) fn part(token: &str, part: usize) -> Result<Vec<u8>> {
    let text = token.split('.').nth(part).ok_or_else(malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())
}

pub fn header(token: &str) -> Result<Value> {
    serde_json::from_slice(&part(token, 0)?).map_err(|_| malformed())
}

pub fn claims(token: &str) -> Result<Value> {
    serde_json::from_slice(&part(token, 1)?).map_err(|_| malformed())
}

/// From `iat` to `exp`, in seconds.
pub fn lifetime(token: &str) -> Result<u64> {
    let claims = claims(token)?;
    let (iat, exp) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    let lifetime = iat.zip(exp).and_then(|(iat, exp)| exp.checked_sub(iat));
    lifetime.ok_or_else(|| Error::unexpected("a token request", "a token without a lifetime"))
}

/// Whether a token is signed by the key in this set (RFC 7517) that its `kid` names. Only supports
/// Ed25519 (RFC 8037), the default algorithm.
pub fn is_signed_by(token: &str, keys: &Value) -> Result<bool> {
    let kid = header(token)?["kid"].clone();
    let key = keys["keys"].as_array().into_iter().flatten().find(|key| key["kid"] == kid);
    let Some(key) = key.filter(|key| key["crv"] == "Ed25519") else { return Ok(false) };
    let public = key["x"].as_str().and_then(|x| URL_SAFE_NO_PAD.decode(x).ok());
    let (signing_input, _) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (Some(public), signature) = (public, part(token, 2)?) else { return Ok(false) };
    let key = UnparsedPublicKey::new(&ED25519, public);
    Ok(key.verify(signing_input.as_bytes(), &signature).is_ok())
}

/// A new signing key, and its PEM (PKCS #8) for `JWT_PRIVATE_KEY`.
pub fn signing_key() -> Result<(Ed25519KeyPair, String)> {
    let failed = |_| Error::StartFailed("no key could be generated".to_owned());
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let base64 = STANDARD.encode(pair.to_pkcs8v1().map_err(failed)?.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----");
    Ok((pair, pem))
}

/// 128 random bits, in 32 hexadecimal digits.
pub fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::StartFailed(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The header and the claims, encoded (RFC 7515 §5.1).
pub(crate) fn signing_input(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
}

pub(crate) fn sign(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let input = signing_input(header, claims);
    format!("{input}.{}", base64url(key.sign(input.as_bytes()).as_ref()))
}

/// Flips the lowest bit of one byte of a part.
pub(crate) fn flip_bit(token: &str, part: usize, byte: usize) -> Result<String> {
    let mut bytes = self::part(token, part)?;
    if let Some(byte) = bytes.get_mut(byte) {
        *byte ^= 1;
    }
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[part] = base64url(bytes);
    Ok(parts.join("."))
}

/// Removes the signature, but not the dot before it.
pub(crate) fn without_signature(token: &str) -> String {
    token.trim_end_matches(|c| c != '.').to_owned()
}

/// A genuine token, from which forgeries are made.
#[derive(Clone, Debug)]
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) token: String,
}

impl Jwt {
    pub(crate) fn read(token: &str) -> Result<Self> {
        Ok(Self { header: header(token)?, claims: claims(token)?, token: token.to_owned() })
    }

    pub(crate) fn with_claims(&self, changes: Value) -> String {
        let claims = base64url(with(&self.claims, changes).to_string());
        let parts: Vec<_> = self.token.split('.').collect();
        [parts[0], &claims, parts[2]].join(".")
    }

    pub(crate) fn with_header(&self, changes: Value) -> String {
        self.with_header_text(&with(&self.header, changes).to_string())
    }

    pub(crate) fn with_header_text(&self, header: &str) -> String {
        let (_, rest) = self.token.split_once('.').unwrap_or_default();
        format!("{}.{rest}", base64url(header))
    }

    pub(crate) fn unsigned(&self, alg: &str) -> String {
        without_signature(&self.with_header(json!({ "alg": alg })))
    }

    /// Signed with HMAC, with a secret that the attacker knows.
    pub(crate) fn with_hmac(&self, secret: &[u8], changes: Value) -> String {
        let input = signing_input(&with(&self.header, changes), &self.claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("{input}.{}", base64url(hmac::sign(&key, input.as_bytes())))
    }

    /// Signed with a new key of the attacker; `changes` gets its JWK and returns header members.
    pub(crate) fn with_attacker_key(&self, changes: impl Fn(Value) -> Value) -> Result<String> {
        let (key, _) = signing_key()?;
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "mine",
            "x": base64url(key.public_key().as_ref()) });
        let header = with(&with(&self.header, json!({ "alg": "EdDSA" })), changes(jwk));
        Ok(sign(&key, &header, &self.claims))
    }
}

/// Sets members of an object, and removes those that are null.
fn with(object: &Value, changes: Value) -> Value {
    let mut members: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    members.extend(changes.as_object().cloned().unwrap_or_default());
    members.retain(|_, value| !value.is_null());
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flip_bit_changes_only_one_bit() {
        let token = format!("{}.{}.{}", base64url("ab"), base64url("c"), base64url("d"));
        let forged = flip_bit(&token, 0, 1).unwrap();
        assert_eq!(part(&forged, 0).unwrap(), b"ac");
        assert_eq!(forged.split_once('.').unwrap().1, token.split_once('.').unwrap().1);
    }
}
