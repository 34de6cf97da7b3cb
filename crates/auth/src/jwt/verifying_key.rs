//! Keys that verify: the public half, which is enough for every replica that
//! does not sign.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

use super::{Algorithm, KeyError, use_aws_lc};

/// A key that verifies with one algorithm (RFC 8725 §3.1).
///
/// The algorithm belongs to the key: no token can talk it into another, so a
/// public key is never taken for an HMAC secret. Cloning it is cheap.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Inner>);

struct Inner {
    kid: String,
    public: Public,
    decoding: DecodingKey,
}

#[derive(PartialEq, Eq)]
pub(super) enum Public {
    Ed25519 {
        x: Vec<u8>,
    },
    P256 {
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Not public at all: it signs as well as it verifies.
    Secret(Vec<u8>),
}

impl Public {
    /// From an uncompressed point (SEC 1 §2.3.3).
    pub(super) fn p256(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        (y.len() == 32).then(|| Self::P256 { x: x.to_vec(), y: y.to_vec() })
    }

    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519 { .. } => Algorithm::EdDsa,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::Secret(_) => Algorithm::Hs256,
        }
    }

    /// The members that every JSON Web Key of this kind has to have, in the
    /// order of their names: just what RFC 7638 §3.2 hashes.
    fn required(&self) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ed25519 { x } => Some(json!({"crv": "Ed25519", "kty": "OKP", "x": text(x)})),
            Self::P256 { x, y } => {
                Some(json!({"crv": "P-256", "kty": "EC", "x": text(x), "y": text(y)}))
            }
            Self::Rsa { n, e } => Some(json!({"e": text(e), "kty": "RSA", "n": text(n)})),
            Self::Secret(_) => None,
        }
    }

    fn decoding(&self) -> DecodingKey {
        match self {
            Self::Ed25519 { x } => DecodingKey::from_ed_der(x),
            Self::P256 { x, y } => DecodingKey::from_ec_der(&[&[4], &x[..], &y[..]].concat()),
            Self::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
            Self::Secret(secret) => DecodingKey::from_secret(secret),
        }
    }
}

impl VerifyingKey {
    /// Without a `kid`, the thumbprint is it; a secret has none, and needs one.
    pub(super) fn new(kid: Option<String>, public: Public) -> Result<Self, KeyError> {
        use_aws_lc();
        let kid = kid.or_else(|| thumbprint(&public)).ok_or(KeyError::NotPublicJwk)?;
        let decoding = public.decoding();
        Ok(Self(Arc::new(Inner { kid, public, decoding })))
    }

    /// Reads what [`VerifyingKey::to_jwk`] wrote, or any public JSON Web Key
    /// for one of our algorithms. Without a `kid` of its own it gets its thumbprint.
    ///
    /// # Errors
    /// When it is a secret or a private key, or of another algorithm.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str, length: std::ops::RangeInclusive<usize>| {
            text(name)
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
                .filter(|bytes| length.contains(&bytes.len()))
                .ok_or(KeyError::NotPublicJwk)
        };
        let public = match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => Public::Ed25519 { x: bytes("x", 32..=32)? },
            (Some("EC"), Some("P-256")) => {
                Public::P256 { x: bytes("x", 32..=32)?, y: bytes("y", 32..=32)? }
            }
            (Some("RSA"), None) => {
                Public::Rsa { n: bytes("n", 256..=1024)?, e: bytes("e", 1..=8)? }
            }
            _ => return Err(KeyError::NotPublicJwk),
        };
        let fits = text("alg").is_none_or(|alg| alg == public.algorithm().as_str())
            && text("use").is_none_or(|usage| usage == "sig")
            && jwk.get("d").is_none();
        if !fits {
            return Err(KeyError::NotPublicJwk);
        }
        Self::new(text("kid").map(str::to_owned), public)
    }

    /// The public JSON Web Key (RFC 7517 §4); `None` for an HMAC key, which has
    /// no public part.
    #[must_use]
    pub fn to_jwk(&self) -> Option<Value> {
        let mut jwk = self.0.public.required()?;
        jwk["kid"] = json!(self.kid());
        jwk["alg"] = json!(self.algorithm().as_str());
        jwk["use"] = json!("sig");
        Some(jwk)
    }

    /// The key's name, by which a token's header finds it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The one algorithm of this key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.public.algorithm()
    }

    /// Whether this key made that signature of that message.
    pub(super) fn verifies_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifies(message, &URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whether this key made that signature (base64url) of that message.
    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let algorithm = self.algorithm().in_jsonwebtoken();
        jsonwebtoken::crypto::verify(signature, message, &self.0.decoding, algorithm)
            .unwrap_or(false)
    }
}

/// The same key: not only of the same name.
impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.kid == other.0.kid && self.0.public == other.0.public)
    }
}

impl Eq for VerifyingKey {}

/// Says which key it is; for an HMAC key, more would be the secret.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm(), self.kid())
    }
}

/// RFC 7638 §3: SHA-256 over the required members, sorted, without blanks.
fn thumbprint(public: &Public) -> Option<String> {
    let required = public.required()?.to_string();
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, required.as_bytes())))
}
