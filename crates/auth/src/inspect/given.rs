//! A key that somebody gives, to see whether it verifies their token.

use serde_json::Value;

use crate::jose::pem::Pem;
use crate::jose::{Algorithm, PublicKey, base64url, verify_hmac};

/// More keys than any set has that somebody pastes.
const MAX_KEYS: usize = 20;

/// A key that was given, with the algorithms that it can verify by.
///
/// The key decides about the algorithm, never the token (RFC 8725 §3.1): a
/// public key is not an HMAC secret, whatever the token's header says.
pub enum GivenKey {
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

/// Why what was given is no key to verify with. Never a byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyNotRead {
    /// The field is empty.
    #[error("No key was given.")]
    Nothing,
    /// A private key, which nobody should paste anywhere.
    #[error(
        "This is a private key. Verifying takes the public one only; a private key does not \
         belong on any web page. Consider whether this one is still private."
    )]
    Private,
    #[error(
        "This is a certificate. Give the key in it: `openssl x509 -in cert.pem -pubkey -noout`."
    )]
    Certificate,
    /// PEM that holds no key of ours.
    #[error(
        "This PEM holds no RSA key of 2048 bits or more, no EC key on P-256, P-384 or P-521 and no Ed25519 key."
    )]
    PemNotUsable,
    #[error("This PEM is damaged: its base64 cannot be decoded.")]
    PemDamaged,
    /// A JSON document without a key for signatures in it.
    #[error("This JSON holds no key that verifies signatures: a JWK (RFC 7517) or a set of them.")]
    JwkNotUsable,
    #[error("This is neither a PEM public key nor a JWK nor a JWK set.")]
    Unknown,
}

/// Reads a public key as PEM, or a JWK, or a set of them.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Vec<GivenKey>, KeyNotRead> {
    let text = text.trim();
    if text.is_empty() {
        return Err(KeyNotRead::Nothing);
    }
    if text.contains("-----BEGIN") {
        return from_pem(text).map(|key| vec![key]);
    }
    let json: Value = serde_json::from_str(text).map_err(|_| KeyNotRead::Unknown)?;
    let keys = match json.get("keys").and_then(Value::as_array) {
        Some(keys) => keys.iter().take(MAX_KEYS).collect(),
        None => vec![&json],
    };
    if keys.iter().any(|key| key.get("d").is_some()) {
        return Err(KeyNotRead::Private);
    }
    // RFC 7517 §5: a key that cannot be understood is passed over.
    let keys: Vec<_> = keys.into_iter().filter_map(from_jwk).collect();
    if keys.is_empty() { Err(KeyNotRead::JwkNotUsable) } else { Ok(keys) }
}

/// Whether there is a private key or a shared one in it, in one piece or not:
/// then it is not to be shown again.
#[must_use]
pub fn is_private(text: &str) -> bool {
    let names = |name: &str| text.contains(&format!("\"{name}\""));
    text.contains("PRIVATE KEY")
        || (names("kty") && (names("d") || names("k")))
        || matches!(read(text), Err(KeyNotRead::Private))
}

/// A secret, as it is typed.
///
/// # Errors
/// When there is none.
pub fn secret(text: &str) -> Result<Vec<GivenKey>, KeyNotRead> {
    if text.is_empty() {
        return Err(KeyNotRead::Nothing);
    }
    Ok(vec![GivenKey::Secret { kid: None, only: None, secret: text.as_bytes().to_vec() }])
}

fn from_pem(text: &str) -> Result<GivenKey, KeyNotRead> {
    let pem = Pem::find(text).ok_or(KeyNotRead::PemDamaged)?;
    match pem.label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        "CERTIFICATE" => return Err(KeyNotRead::Certificate),
        label if label.ends_with("PRIVATE KEY") => return Err(KeyNotRead::Private),
        _ => return Err(KeyNotRead::PemNotUsable),
    }
    let der = pem.der().ok_or(KeyNotRead::PemDamaged)?;
    PublicKey::from_der(&der).map(GivenKey::Public).ok_or(KeyNotRead::PemNotUsable)
}

fn from_jwk(jwk: &Value) -> Option<GivenKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("kty") != Some("oct") {
        return PublicKey::from_jwk(jwk).map(GivenKey::Public);
    }
    let is_for_signatures = text("use").is_none_or(|usage| usage == "sig");
    let secret = base64url::decode(text("k")?).filter(|k| is_for_signatures && !k.is_empty())?;
    let (kid, only) = (text("kid").map(str::to_owned), text("alg").map(str::to_owned));
    Some(GivenKey::Secret { kid, only, secret })
}

impl GivenKey {
    /// Its name, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        match self {
            Self::Public(key) => key.kid(),
            Self::Secret { kid, .. } => kid.as_deref(),
        }
    }

    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Public(key) => key.kind(),
            Self::Secret { .. } => "shared secret",
        }
    }

    /// The names of the algorithms by which it verifies.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        match self {
            Self::Public(key) => key.algorithms().map(Algorithm::as_str).collect(),
            Self::Secret { only, .. } => {
                let all = HMAC.iter().map(|(algorithm, _)| algorithm.as_str());
                all.filter(|name| only.as_deref().is_none_or(|only| only == *name)).collect()
            }
        }
    }

    /// Whether it is a secret that can be guessed (RFC 7518 §3.2).
    #[must_use]
    pub fn is_weak(&self, algorithm: &str) -> bool {
        let Self::Secret { secret, .. } = self else { return false };
        HMAC.iter().any(|(one, least)| one.as_str() == algorithm && secret.len() < *least)
    }

    /// Whether it made that signature of that message, by that algorithm.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let takes = self.algorithms().contains(&algorithm);
        let Some(algorithm) = algorithm.parse().ok().filter(|_| takes) else { return false };
        match self {
            Self::Public(key) => key.verifies(algorithm, message, signature),
            Self::Secret { secret, .. } => verify_hmac(algorithm, secret, message, signature),
        }
    }
}

/// Which key it is, never what it is.
impl std::fmt::Debug for GivenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GivenKey({})", self.kind())
    }
}
