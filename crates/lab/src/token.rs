//! JWTs, read with nothing but the published keys: this is not the app's verifier, and shares
//! no line with it.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::error::{Error, Result};

pub fn header(token: &str) -> Result<Value> {
    json(token.split('.').next())
}

pub fn claims(token: &str) -> Result<Value> {
    json(token.split('.').nth(1))
}

fn json(part: Option<&str>) -> Result<Value> {
    let bytes = part.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let json = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    json.ok_or_else(|| Error::unexpected("a token", "something that is not a JWT"))
}

/// A new key, and the same as `JWT_PRIVATE_KEY` takes it (PKCS #8).
pub fn signing_key() -> Result<(Ed25519KeyPair, String)> {
    let failed = |_| Error::NotStarted("there is no randomness for a key".to_owned());
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let base64 = STANDARD.encode(pair.to_pkcs8v1().map_err(failed)?.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----");
    Ok((pair, pem))
}

/// 128 bits that nobody can guess, in 32 hexadecimal digits.
pub fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::NotStarted(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// For how many seconds a token says that it lives.
pub fn lifetime(token: &str) -> Result<u64> {
    let claims = claims(token)?;
    let (iat, exp) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    let lives = iat.zip(exp).and_then(|(iat, exp)| exp.checked_sub(iat));
    lives.ok_or_else(|| Error::unexpected("a token", "no lifetime"))
}

/// Whether a token is signed by the key of this set (RFC 7517) that it names.
/// Only Ed25519 is known here (RFC 8037), which is what an instance signs with
/// that was told nothing else.
pub fn is_signed_by(token: &str, keys: &Value) -> Result<bool> {
    let kid = header(token)?["kid"].clone();
    let found = keys["keys"].as_array().into_iter().flatten().find(|key| key["kid"] == kid);
    let Some(key) = found.filter(|key| key["crv"] == "Ed25519") else { return Ok(false) };
    let decode = |text: Option<&str>| text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let public = decode(key["x"].as_str());
    let (signed, signature) =
        token.rsplit_once('.').ok_or_else(|| Error::unexpected("a token", "no signature"))?;
    let (Some(public), Some(signature)) = (public, decode(Some(signature))) else {
        return Ok(false);
    };
    Ok(UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature).is_ok())
}
