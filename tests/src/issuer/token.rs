//! Valid and forged ID tokens, created without the app's code.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A signing key.
#[derive(Debug)]
pub struct Key {
    /// `kid`.
    pub kid: String,
    algorithm: &'static str,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    /// Generates an ES256 key.
    #[must_use]
    pub fn es256(kid: &str) -> Self {
        Self::generate("ES256", kid)
    }

    /// Generates a key for any public-key algorithm.
    #[must_use]
    pub fn generate(algorithm: &'static str, kid: &str) -> Self {
        let ec = |signing| Pair::Ec(EcdsaKeyPair::generate(signing).expect("a key"));
        let pair = match algorithm {
            "ES256" => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            "EdDSA" | "Ed25519" => Pair::Ed25519(Ed25519KeyPair::generate().expect("a key")),
            _ => Pair::Rsa(RsaKeyPair::generate(rsa::KeySize::Rsa2048).expect("a key")),
        };
        Self { kid: kid.to_owned(), algorithm, pair }
    }

    /// The public key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let (kid, alg) = (&self.kid, self.algorithm);
        match &self.pair {
            Pair::Ec(pair) => {
                // SEC 1 §2.3.3: 04, x, y.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match alg {
                    "ES256" => "P-256",
                    "ES384" => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "alg": alg, "use": "sig",
                        "kid": kid, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                let x = encode(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": alg, "use": "sig",
                        "kid": kid, "x": x })
            }
            Pair::Rsa(pair) => {
                let public = rsa::PublicKeyComponents::from(pair.public_key());
                let (n, e) = (encode(&public.n), encode(&public.e));
                json!({ "kty": "RSA", "alg": alg, "use": "sig", "kid": kid, "n": n, "e": e })
            }
        }
    }

    /// The public key, which an HS256 forgery uses as its secret.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
                    aws_lc_rs::encoding::AsDer::as_der(pair.public_key()).expect("DER");
                der.as_ref().to_vec()
            }
        }
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, message).expect("a signature").as_ref().into(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().into(),
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

/// An unsigned token.
#[derive(Clone, Debug)]
pub struct Token {
    pub header: Value,
    pub claims: Value,
    /// The kind of signature.
    pub signed: Signature,
}

/// Kinds of signatures.
#[derive(Clone, Debug)]
pub enum Signature {
    /// By the issuer's key.
    Valid,
    /// By the issuer's key, with one bit flipped.
    Damaged,
    /// An empty signature.
    Missing,
    /// HS256 with this secret.
    Hmac(Vec<u8>),
    /// By a key that is not the one published under its `kid`.
    UnpublishedKey,
}

impl Token {
    /// Signs and serializes it.
    #[must_use]
    pub fn write(&self, key: &Key) -> String {
        let message = format!(
            "{}.{}",
            encode(self.header.to_string().as_bytes()),
            encode(self.claims.to_string().as_bytes())
        );
        let signature = match &self.signed {
            Signature::Valid => key.sign(message.as_bytes()),
            Signature::Damaged => {
                let mut signature = key.sign(message.as_bytes());
                signature[10] ^= 1;
                signature
            }
            Signature::Missing => Vec::new(),
            Signature::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Signature::UnpublishedKey => Key::es256(&key.kid).sign(message.as_bytes()),
        };
        format!("{message}.{}", encode(&signature))
    }
}

/// `at_hash` with SHA-256 (OpenID Connect Core §3.1.3.6).
#[must_use]
pub fn at_hash(access_token: &str) -> String {
    encode(&digest::digest(&digest::SHA256, access_token.as_bytes()).as_ref()[..16])
}

/// base64url without padding.
#[must_use]
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
