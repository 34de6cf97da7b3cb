//! A JSON Web Signature in compact serialization, RFC 7515 §3.1. Signing only: nothing here reads
//! a token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::{
    keys::{KeyError, SigningKey},
    misbehave::Misbehaviour,
};

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// Signs claims, well or as badly as the person asked for.
pub(crate) fn sign(
    key: &SigningKey,
    claims: &impl Serialize,
    misbehaviour: Misbehaviour,
) -> Result<String, KeyError> {
    let unsigned = misbehaviour == Misbehaviour::Unsigned;
    let header = Header {
        alg: if unsigned { "none" } else { "RS256" },
        typ: "JWT",
        kid: (!unsigned).then(|| key.kid()),
    };
    let signed = format!("{}.{}", encode(&header)?, encode(claims)?);
    if unsigned {
        return Ok(format!("{signed}."));
    }
    let mut signature = key.sign(signed.as_bytes())?;
    if misbehaviour == Misbehaviour::BadSignature
        && let Some(byte) = signature.first_mut()
    {
        *byte ^= 1;
    }
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn encode(value: &impl Serialize) -> Result<String, KeyError> {
    let json = serde_json::to_vec(value).map_err(|_| KeyError)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}
