//! Pasted keys: a PEM public key, a JWK, a JWK set or a secret.

use latchkey_auth::jose::pem::Pem;
use latchkey_auth::jose::{Algorithm, PublicKey, base64url, verify_hmac};
use serde_json::Value;

const MAX_KEYS: usize = 20;

/// The key determines the algorithm, never the token (RFC 8725 §3.1).
pub(crate) enum PastedKey {
    Public(PublicKey),
    Secret {
        kid: Option<String>,
        /// The `alg` of a JWK (RFC 7517 §4.4).
        algorithm: Option<String>,
        secret: Vec<u8>,
    },
}

/// The HMAC algorithms with the minimum length of the secret in bytes (RFC 7518 §3.2).
const HMAC: [(Algorithm, usize); 3] =
    [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)];

/// A message for the user. Never contains any of the key.
pub(crate) type KeyError = &'static str;

const EMPTY: KeyError = "No key was given.";
const PRIVATE: KeyError = "This is a private key. Verifying only takes the public key: never paste a private key into a \
     web page, and consider this one compromised.";
const CERTIFICATE: KeyError =
    "This is a certificate. Paste its public key: openssl x509 -in cert.pem -pubkey -noout";
const PEM_UNSUPPORTED: KeyError = "This PEM contains no RSA key of 2048 bits or more, no EC key on P-256, P-384 or P-521 and no \
     Ed25519 key.";
const PEM_DAMAGED: KeyError = "This PEM is damaged: its base64 cannot be decoded.";
const JWK_UNSUPPORTED: KeyError =
    "This JSON contains no key that verifies signatures. Paste a JWK or a JWK set (RFC 7517).";
const UNKNOWN: KeyError = "This is not a PEM public key, a JWK or a JWK set.";

pub(crate) fn parse(text: &str) -> Result<Vec<PastedKey>, KeyError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(EMPTY);
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
    if keys.is_empty() { Err(JWK_UNSUPPORTED) } else { Ok(keys) }
}

/// Whether it may contain a private or shared key, even a damaged one. Such text is never shown
/// again.
pub(crate) fn is_private(text: &str) -> bool {
    let names = |name: &str| text.contains(&format!("\"{name}\""));
    text.contains("PRIVATE KEY")
        || (names("kty") && (names("d") || names("k")))
        || matches!(parse(text), Err(PRIVATE))
}

pub(crate) fn from_secret(text: &str) -> Result<Vec<PastedKey>, KeyError> {
    if text.is_empty() {
        return Err(EMPTY);
    }
    Ok(vec![PastedKey::Secret { kid: None, algorithm: None, secret: text.as_bytes().to_vec() }])
}

fn from_pem(text: &str) -> Result<PastedKey, KeyError> {
    let pem = Pem::find(text).ok_or(PEM_DAMAGED)?;
    match pem.label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        "CERTIFICATE" => return Err(CERTIFICATE),
        label if label.ends_with("PRIVATE KEY") => return Err(PRIVATE),
        _ => return Err(PEM_UNSUPPORTED),
    }
    let der = pem.der().ok_or(PEM_DAMAGED)?;
    PublicKey::from_der(&der).map(PastedKey::Public).ok_or(PEM_UNSUPPORTED)
}

fn from_jwk(jwk: &Value) -> Option<PastedKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("kty") != Some("oct") {
        return PublicKey::from_jwk(jwk).map(PastedKey::Public);
    }
    let is_for_signatures = text("use").is_none_or(|usage| usage == "sig");
    let secret = base64url::decode(text("k")?).filter(|k| is_for_signatures && !k.is_empty())?;
    let (kid, algorithm) = (text("kid").map(str::to_owned), text("alg").map(str::to_owned));
    Some(PastedKey::Secret { kid, algorithm, secret })
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

    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        match self {
            Self::Public(key) => key.algorithms().map(Algorithm::as_str).collect(),
            Self::Secret { algorithm, .. } => {
                let all = HMAC.iter().map(|(algorithm, _)| algorithm.as_str());
                all.filter(|name| algorithm.as_deref().is_none_or(|it| it == *name)).collect()
            }
        }
    }

    /// Whether the secret is too short to resist guessing (RFC 7518 §3.2).
    pub(crate) fn is_weak(&self, algorithm: &str) -> bool {
        let Self::Secret { secret, .. } = self else { return false };
        HMAC.iter().any(|(one, minimum)| one.as_str() == algorithm && secret.len() < *minimum)
    }

    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let is_allowed = self.algorithms().contains(&algorithm);
        let Some(algorithm) = algorithm.parse().ok().filter(|_| is_allowed) else { return false };
        match self {
            Self::Public(key) => key.verifies(algorithm, message, signature),
            Self::Secret { secret, .. } => verify_hmac(algorithm, secret, message, signature),
        }
    }
}
