//! A key that somebody gives, to see whether it verifies their token.

use std::sync::LazyLock;

use aws_lc_rs::rsa::{PublicKey, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, VerificationAlgorithm,
};
use aws_lc_rs::{encoding::AsDer, encoding::PublicKeyX509Der, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// More keys than any set has that somebody pastes.
const MAX_KEYS: usize = 20;

/// A key that was given, with the algorithms that it can verify by.
///
/// The key decides about the algorithm, never the token (RFC 8725 §3.1): a
/// public key is not an HMAC secret, whatever the token's header says.
pub struct GivenKey {
    kid: Option<String>,
    /// The one algorithm that a JWK says it is for (RFC 7517 §4.4).
    only: Option<String>,
    material: Material,
}

enum Material {
    Rsa(Vec<u8>),
    Elliptic(&'static Curve, Box<ParsedPublicKey>),
    Ed25519(Box<ParsedPublicKey>),
    Secret(Vec<u8>),
}

struct Curve {
    name: &'static str,
    algorithm: &'static str,
    /// The length of a coordinate, in bytes.
    coordinate: usize,
    verification: &'static dyn VerificationAlgorithm,
}

static CURVES: LazyLock<[Curve; 3]> = LazyLock::new(|| {
    let curve = |name, algorithm, coordinate, verification| Curve {
        name,
        algorithm,
        coordinate,
        verification,
    };
    [
        curve("P-256", "ES256", 32, &ECDSA_P256_SHA256_FIXED),
        curve("P-384", "ES384", 48, &ECDSA_P384_SHA384_FIXED),
        curve("P-521", "ES512", 66, &ECDSA_P521_SHA512_FIXED),
    ]
});

/// The algorithms of an RSA key (RFC 7518 §3.3, §3.5).
const RSA: [(&str, &RsaParameters); 6] = [
    ("RS256", &RSA_PKCS1_2048_8192_SHA256),
    ("RS384", &RSA_PKCS1_2048_8192_SHA384),
    ("RS512", &RSA_PKCS1_2048_8192_SHA512),
    ("PS256", &RSA_PSS_2048_8192_SHA256),
    ("PS384", &RSA_PSS_2048_8192_SHA384),
    ("PS512", &RSA_PSS_2048_8192_SHA512),
];

/// The algorithms of a secret (RFC 7518 §3.2), with the shortest one that is
/// safe, in bytes.
const HMAC: [(&str, usize); 3] = [("HS256", 32), ("HS384", 48), ("HS512", 64)];

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
    let material = Material::Secret(text.as_bytes().to_vec());
    Ok(vec![GivenKey { kid: None, only: None, material }])
}

fn from_pem(pem: &str) -> Result<GivenKey, KeyNotRead> {
    let (_, after) = pem.split_once("-----BEGIN ").ok_or(KeyNotRead::PemDamaged)?;
    let (label, after) = after.split_once("-----").ok_or(KeyNotRead::PemDamaged)?;
    match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        "CERTIFICATE" => return Err(KeyNotRead::Certificate),
        label if label.ends_with("PRIVATE KEY") => return Err(KeyNotRead::Private),
        _ => return Err(KeyNotRead::PemNotUsable),
    }
    let (body, _) = after.split_once("-----END").ok_or(KeyNotRead::PemDamaged)?;
    let body: String = body.replace("\\n", "").split_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| KeyNotRead::PemDamaged)?;
    let material = from_der(&der).ok_or(KeyNotRead::PemNotUsable)?;
    Ok(GivenKey { kid: None, only: None, material })
}

/// Each kind refuses the keys of the others.
fn from_der(der: &[u8]) -> Option<Material> {
    if let Ok(key) = ParsedPublicKey::new(&ED25519, der) {
        return Some(Material::Ed25519(Box::new(key)));
    }
    for curve in CURVES.iter() {
        if let Ok(key) = ParsedPublicKey::new(curve.verification, der) {
            return Some(Material::Elliptic(curve, Box::new(key)));
        }
    }
    rsa(der)
}

fn from_jwk(jwk: &Value) -> Option<GivenKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    if text("use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    let material = match text("kty")? {
        "RSA" => {
            let components = PublicKeyComponents { n: bytes("n")?, e: bytes("e")? };
            let der: PublicKeyX509Der<'_> = components.as_der().ok()?;
            rsa(der.as_ref())?
        }
        "EC" => {
            let curve = CURVES.iter().find(|curve| Some(curve.name) == text("crv"))?;
            let (x, y) = (bytes("x")?, bytes("y")?);
            let fits = x.len() == curve.coordinate && y.len() == curve.coordinate;
            let point = [&[4][..], &x, &y].concat();
            let key = ParsedPublicKey::new(curve.verification, point).ok().filter(|_| fits)?;
            Material::Elliptic(curve, Box::new(key))
        }
        "OKP" if text("crv") == Some("Ed25519") => {
            let x = bytes("x").filter(|x| x.len() == 32)?;
            Material::Ed25519(Box::new(ParsedPublicKey::new(&ED25519, x).ok()?))
        }
        "oct" => Material::Secret(bytes("k").filter(|k| !k.is_empty())?),
        _ => return None,
    };
    Some(GivenKey {
        kid: text("kid").map(str::to_owned),
        only: text("alg").map(str::to_owned),
        material,
    })
}

/// Kept as it is written, for whichever algorithm comes.
fn rsa(der: &[u8]) -> Option<Material> {
    const MIN_BYTES: usize = 256;
    let is_long = PublicKey::from_der(der).ok()?.modulus_len() >= MIN_BYTES;
    is_long.then(|| Material::Rsa(der.to_vec()))
}

impl GivenKey {
    /// Its name, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What kind of key it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.material {
            Material::Rsa(_) => "RSA",
            Material::Elliptic(curve, _) => curve.name,
            Material::Ed25519(_) => "Ed25519",
            Material::Secret(_) => "shared secret",
        }
    }

    /// The algorithms by which it verifies.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        let all: Vec<_> = match &self.material {
            Material::Rsa(_) => RSA.iter().map(|(name, _)| *name).collect(),
            Material::Elliptic(curve, _) => vec![curve.algorithm],
            Material::Ed25519(_) => vec!["EdDSA", "Ed25519"],
            Material::Secret(_) => HMAC.iter().map(|(name, _)| *name).collect(),
        };
        all.into_iter().filter(|name| self.only.as_deref().is_none_or(|it| it == *name)).collect()
    }

    /// Whether it is a secret that can be guessed (RFC 7518 §3.2).
    #[must_use]
    pub fn is_weak(&self, algorithm: &str) -> bool {
        let Material::Secret(secret) = &self.material else { return false };
        HMAC.iter().any(|(name, least)| *name == algorithm && secret.len() < *least)
    }

    /// Whether it made that signature of that message, by that algorithm.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if !self.algorithms().contains(&algorithm) {
            return false;
        }
        match &self.material {
            Material::Rsa(der) => RSA.iter().any(|(name, parameters)| {
                *name == algorithm
                    && ParsedPublicKey::new(*parameters, der)
                        .is_ok_and(|key| key.verify_sig(message, signature).is_ok())
            }),
            Material::Elliptic(_, key) | Material::Ed25519(key) => {
                key.verify_sig(message, signature).is_ok()
            }
            Material::Secret(secret) => {
                let digest = match algorithm {
                    "HS256" => hmac::HMAC_SHA256,
                    "HS384" => hmac::HMAC_SHA384,
                    _ => hmac::HMAC_SHA512,
                };
                hmac::verify(&hmac::Key::new(digest, secret), message, signature).is_ok()
            }
        }
    }
}

/// Which key it is, never what it is.
impl std::fmt::Debug for GivenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GivenKey({})", self.kind())
    }
}
