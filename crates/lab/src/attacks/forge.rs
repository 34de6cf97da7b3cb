//! JSON Web Tokens, written without our keys.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::context::{NotRun, Outcome, base64url};

#[derive(Clone, Debug)]
pub(super) struct Jwt {
    pub(super) header: Value,
    pub(super) claims: Value,
    pub(super) message: String,
    pub(super) signature: Vec<u8>,
}

impl Jwt {
    pub(super) fn read(token: &str) -> Outcome<Self> {
        let strange = || NotRun::because("The access token is not a JWT.");
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| strange());
        let json = |part: &str| serde_json::from_slice(&bytes(part)?).map_err(|_| strange());
        let (message, signature) = token.rsplit_once('.').ok_or_else(strange)?;
        let (header, claims) = message.split_once('.').ok_or_else(strange)?;
        Ok(Self {
            header: json(header)?,
            claims: json(claims)?,
            message: message.to_owned(),
            signature: bytes(signature)?,
        })
    }

    /// With other claims, under the old signature.
    pub(super) fn with_claims(&self, changes: Value) -> String {
        let message = message(&self.header, &with(&self.claims, changes));
        format!("{message}.{}", base64url(&self.signature))
    }

    /// With another header, under the old signature.
    pub(super) fn with_header(&self, changes: Value) -> String {
        let message = message(&with(&self.header, changes), &self.claims);
        format!("{message}.{}", base64url(&self.signature))
    }

    pub(super) fn with_header_text(&self, header: &str) -> String {
        let claims = base64url(self.claims.to_string());
        format!("{}.{claims}.{}", base64url(header), base64url(&self.signature))
    }

    pub(super) fn unsigned(&self, alg: &str) -> String {
        format!("{}.", message(&with(&self.header, json!({ "alg": alg })), &self.claims))
    }

    /// Signed with HMAC and a public secret.
    pub(super) fn with_hmac(&self, secret: &[u8], changes: Value) -> String {
        let message = message(&with(&self.header, changes), &self.claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("{message}.{}", base64url(hmac::sign(&key, message.as_bytes())))
    }

    /// Signed with a key of the thief's own; `name` yields what the header says of it.
    pub(super) fn with_own_key(&self, name: impl Fn(Value) -> Value) -> Outcome<String> {
        let key = Ed25519KeyPair::generate().map_err(|_| NotRun::because("No key can be made."))?;
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "mine",
            "x": base64url(key.public_key().as_ref()) });
        let header = with(&with(&self.header, json!({ "alg": "EdDSA" })), name(jwk));
        Ok(signed(&key, &header, &self.claims))
    }

    pub(super) fn with_flipped_signature(&self) -> String {
        let mut signature = self.signature.clone();
        if let Some(byte) = signature.first_mut() {
            *byte ^= 1;
        }
        format!("{}.{}", self.message, base64url(signature))
    }
}

pub(super) fn signed(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    format!("{message}.{}", base64url(key.sign(message.as_bytes()).as_ref()))
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
}

fn with(object: &Value, changes: Value) -> Value {
    let mut members: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    members.extend(changes.as_object().cloned().unwrap_or_default());
    Value::Object(members)
}
