//! A key that somebody pastes, to see whether it verifies their token.

use latchkey_auth::jose::pem::Pem;
use latchkey_auth::jose::{Algorithm, PublicKey, base64url, verify_hmac};
use serde_json::Value;

/// More keys than any set has that somebody pastes.
const MAX_KEYS: usize = 20;

/// A key with the algorithms that it can verify by: the key decides, never the
/// token (RFC 8725 §3.1).
pub(crate) enum PastedKey {
    Public(PublicKey),
    Secret {
        kid: Option<String>,
        /// The one algorithm that a JWK says it is for (RFC 7517 §4.4).
        only: Option<String>,
        secret: Vec<u8>,
    },
}

/// The algorithms of a secret (RFC 7518 §3.2), with the shortest one that is
/// safe, in bytes.
const HMAC: [(Algorithm, usize); 3] =
    [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)];

/// Why a text is no key to verify with. Never a byte of it.
pub(crate) type KeyError = &'static str;

const NOTHING: KeyError = "No key was given.";
const PRIVATE: KeyError = "This is a private key. Verifying takes the public one only; a private key does not belong on \
     any web page. Consider whether this one is still private.";
const CERTIFICATE: KeyError =
    "This is a certificate. Give the key in it: `openssl x509 -in cert.pem -pubkey -noout`.";
const PEM_NOT_USABLE: KeyError = "This PEM holds no RSA key of 2048 bits or more, no EC key on P-256, P-384 or P-521 and no \
     Ed25519 key.";
const PEM_DAMAGED: KeyError = "This PEM is damaged: its base64 cannot be decoded.";
const JWK_NOT_USABLE: KeyError =
    "This JSON holds no key that verifies signatures: a JWK (RFC 7517) or a set of them.";
const UNKNOWN: KeyError = "This is neither a PEM public key nor a JWK nor a JWK set.";

/// Reads a public key as PEM, or a JWK, or a set of them.
pub(crate) fn parse(text: &str) -> Result<Vec<PastedKey>, KeyError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NOTHING);
    }
    if text.contains("-----BEGIN") {
        return from_pem(text).map(|key| vec![key]);
    }
    let json: Value = serde_json::from_str(text).map_err(|_| UNKNOWN)?;
    let keys = match json.get("keys").and_then(Value::as_array) {
        Some(keys) => keys.iter().take(MAX_KEYS).collect(),
        None => vec![&json],
    };
    if keys.iter().any(|key| key.get("d").is_some()) {
        return Err(PRIVATE);
    }
    let keys: Vec<_> = keys.into_iter().filter_map(from_jwk).collect();
    if keys.is_empty() { Err(JWK_NOT_USABLE) } else { Ok(keys) }
}

/// Whether there is a private key or a shared one in it, in one piece or not:
/// then it is not to be shown again.
pub(crate) fn is_private(text: &str) -> bool {
    let names = |name: &str| text.contains(&format!("\"{name}\""));
    text.contains("PRIVATE KEY")
        || (names("kty") && (names("d") || names("k")))
        || matches!(parse(text), Err(PRIVATE))
}

pub(crate) fn from_secret(text: &str) -> Result<Vec<PastedKey>, KeyError> {
    if text.is_empty() {
        return Err(NOTHING);
    }
    Ok(vec![PastedKey::Secret { kid: None, only: None, secret: text.as_bytes().to_vec() }])
}

fn from_pem(text: &str) -> Result<PastedKey, KeyError> {
    let pem = Pem::find(text).ok_or(PEM_DAMAGED)?;
    match pem.label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        "CERTIFICATE" => return Err(CERTIFICATE),
        label if label.ends_with("PRIVATE KEY") => return Err(PRIVATE),
        _ => return Err(PEM_NOT_USABLE),
    }
    let der = pem.der().ok_or(PEM_DAMAGED)?;
    PublicKey::from_der(&der).map(PastedKey::Public).ok_or(PEM_NOT_USABLE)
}

fn from_jwk(jwk: &Value) -> Option<PastedKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("kty") != Some("oct") {
        return PublicKey::from_jwk(jwk).map(PastedKey::Public);
    }
    let is_for_signatures = text("use").is_none_or(|usage| usage == "sig");
    let secret = base64url::decode(text("k")?).filter(|k| is_for_signatures && !k.is_empty())?;
    let (kid, only) = (text("kid").map(str::to_owned), text("alg").map(str::to_owned));
    Some(PastedKey::Secret { kid, only, secret })
}

impl PastedKey {
    pub(crate) fn kid(&self) -> Option<&str> {
        match self {
            Self::Public(key) => key.kid(),
            Self::Secret { kid, .. } => kid.as_deref(),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Public(key) => key.kind(),
            Self::Secret { .. } => "shared secret",
        }
    }

    /// The names of the algorithms by which it verifies.
    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        match self {
            Self::Public(key) => key.algorithms().map(Algorithm::as_str).collect(),
            Self::Secret { only, .. } => {
                let all = HMAC.iter().map(|(algorithm, _)| algorithm.as_str());
                all.filter(|name| only.as_deref().is_none_or(|only| only == *name)).collect()
            }
        }
    }

    /// Whether it is a secret that can be guessed (RFC 7518 §3.2).
    pub(crate) fn is_weak(&self, algorithm: &str) -> bool {
        let Self::Secret { secret, .. } = self else { return false };
        HMAC.iter().any(|(one, least)| one.as_str() == algorithm && secret.len() < *least)
    }

    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let takes = self.algorithms().contains(&algorithm);
        let Some(algorithm) = algorithm.parse().ok().filter(|_| takes) else { return false };
        match self {
            Self::Public(key) => key.verifies(algorithm, message, signature),
            Self::Secret { secret, .. } => verify_hmac(algorithm, secret, message, signature),
        }
    }
}
