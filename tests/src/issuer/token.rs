//! Valid and forged ID tokens, created without the app's code.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
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
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    Es512(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    /// Generates an ES256 key.
    #[must_use]
    pub fn es256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Es256(pair) }
    }

    /// Generates an ES512 key.
    #[must_use]
    pub fn es512(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Es512(pair) }
    }

    /// Generates an EdDSA key.
    #[must_use]
    pub fn eddsa(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Pair::EdDsa(Ed25519KeyPair::generate().expect("a key")) }
    }

    /// Generates an RS256 key.
    #[must_use]
    pub fn rs256(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Rs256(pair) }
    }

    /// The public key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let kid = &self.kid;
        match &self.pair {
            Pair::Es256(pair) | Pair::Es512(pair) => {
                // SEC 1 §2.3.3: 04, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(self.coordinate());
                let curve = if self.coordinate() == 32 { "P-256" } else { "P-521" };
                json!({ "kty": "EC", "crv": curve, "alg": self.algorithm(), "use": "sig",
                        "kid": kid, "x": encode(x), "y": encode(y) })
            }
            Pair::EdDsa(pair) => {
                let x = encode(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                        "kid": kid, "x": x })
            }
            Pair::Rs256(pair) => {
                let public = rsa::PublicKeyComponents::from(pair.public_key());
                let (n, e) = (encode(&public.n), encode(&public.e));
                json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": n, "e": e })
            }
        }
    }

    /// The public key, which an HS256 forgery uses as its secret.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Es256(pair) | Pair::Es512(pair) => pair.public_key().as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
                    aws_lc_rs::encoding::AsDer::as_der(pair.public_key()).expect("DER");
                der.as_ref().to_vec()
            }
        }
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::Es512(_) => "ES512",
            Pair::EdDsa(_) => "EdDSA",
            Pair::Rs256(_) => "RS256",
        }
    }

    const fn coordinate(&self) -> usize {
        if matches!(self.pair, Pair::Es512(_)) { 66 } else { 32 }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) | Pair::Es512(pair) => {
                pair.sign(&random, message).expect("a signature").as_ref().into()
            }
            Pair::EdDsa(pair) => pair.sign(message).as_ref().into(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("a signature");
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
