//! Creates and decodes JWTs without the app's code, with a key for `JWT_PRIVATE_KEY`.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// The algorithms that `JWT_PRIVATE_KEY` supports.
pub const ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "RS256"];

/// A signing key for `JWT_PRIVATE_KEY`.
pub struct OwnKey {
    /// `alg`.
    pub algorithm: &'static str,
    /// The value for `JWT_PRIVATE_KEY`.
    pub pem: String,
    pair: Pair,
}

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl OwnKey {
    /// Generates a key.
    pub fn new(algorithm: &'static str) -> Self {
        let (pair, der) = match algorithm {
            "EdDSA" => {
                let pair = Ed25519KeyPair::generate().expect("a key");
                let der = pair.to_pkcs8v1().expect("DER").as_ref().to_vec();
                (Pair::EdDsa(pair), der)
            }
            "ES256" => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                let pair = pair.expect("a key");
                let der = pair.to_pkcs8v1().expect("DER").as_ref().to_vec();
                (Pair::Es256(pair), der)
            }
            _ => {
                let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
                let der: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
                let der = der.as_ref().to_vec();
                (Pair::Rs256(pair), der)
            }
        };
        let base64 = STANDARD.encode(der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----");
        Self { algorithm, pem, pair }
    }

    /// Signs any two texts.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let (random, bytes) = (SystemRandom::new(), message.as_bytes());
        let signature = match &self.pair {
            Pair::EdDsa(pair) => pair.sign(bytes).as_ref().to_vec(),
            Pair::Es256(pair) => pair.sign(&random, bytes).expect("a signature").as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature).expect("a signature");
                signature
            }
        };
        format!("{message}.{}", base64url(signature))
    }
}

/// Signs with HMAC-SHA-256, whatever the header says.
pub fn sign_with_secret(secret: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("{message}.{}", base64url(hmac::sign(&key, message.as_bytes())))
}

/// Without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `Authorization: Basic`, without form-encoding the two parts.
pub fn basic_auth(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Decodes the header and the claims of a token.
#[track_caller]
pub fn decode(token: &str) -> (Value, Value) {
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, _] = parts[..] else { panic!("three parts, not {token}") };
    let json = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    (json(header), json(claims))
}

/// Changes members of an object; null removes one.
pub fn with_changes(object: &Value, changes: Value) -> Value {
    let mut members: Map<String, Value> = object.as_object().expect("an object").clone();
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    Value::Object(members)
}
