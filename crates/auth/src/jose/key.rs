//! Public keys from a JSON Web Key or DER.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, ParsedPublicKey, RsaPublicKeyComponents,
};
use jsonwebtoken::DecodingKey;
use pkcs8::ObjectIdentifier;
use pkcs8::spki::SubjectPublicKeyInfoRef;
use serde_json::{Value, json};

use super::algorithm::{Algorithm, Family, verify};
use super::base64url;

pub const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub const OID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const OID_P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The size of an RSA modulus: at least 2048 bits (RFC 7518 §3.3), and a limit on the cost.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key with its algorithms.
///
/// The key determines the algorithms, not the token (RFC 8725 §3.1), so it is never used as an
/// HMAC secret.
#[derive(Clone)]
pub struct PublicKey {
    kid: Option<String>,
    /// Restricts the key to one algorithm (RFC 7517 §4.4).
    alg: Option<String>,
    /// The required members, sorted: the input of the thumbprint (RFC 7638 §3.2).
    required: Value,
    kind: Kind,
    verifier: Verifier,
}

#[derive(Clone, Copy)]
enum Kind {
    Rsa,
    Ec(&'static Curve),
    Ed25519,
}

#[derive(Clone)]
enum Verifier {
    Jsonwebtoken(Box<DecodingKey>),
    P521(ParsedPublicKey),
}

struct Curve {
    name: &'static str,
    oid: ObjectIdentifier,
    coordinate_bytes: usize,
    verification: &'static EcdsaVerificationAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        name: "P-256",
        oid: OID_P256,
        coordinate_bytes: 32,
        verification: &ECDSA_P256_SHA256_FIXED,
    },
    Curve {
        name: "P-384",
        oid: OID_P384,
        coordinate_bytes: 48,
        verification: &ECDSA_P384_SHA384_FIXED,
    },
    Curve {
        name: "P-521",
        oid: OID_P521,
        coordinate_bytes: 66,
        verification: &ECDSA_P521_SHA512_FIXED,
    },
];

impl PublicKey {
    /// RFC 7517 §4, RFC 7518 §6.
    ///
    /// `None` for a key that is unsupported, for encryption, too weak, not on its curve, or
    /// private. Readers of a key set skip those (RFC 7517 §5).
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| base64url::decode(text(name)?);
        // A member that is not a string makes the key unusable; null counts as absent.
        let optional = |name: &str| match jwk.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let (kid, alg, usage) = (optional("kid")?, optional("alg")?, optional("use")?);
        if usage.is_some_and(|usage| usage != "sig") || jwk.get("d").is_some() {
            return None;
        }
        let key = match text("kty")? {
            "RSA" => Self::rsa(bytes("n")?, bytes("e")?),
            "EC" => {
                let curve = CURVES.iter().find(|curve| Some(curve.name) == text("crv"))?;
                let (x, y) = (bytes("x")?, bytes("y")?);
                let is_whole =
                    x.len() == curve.coordinate_bytes && y.len() == curve.coordinate_bytes;
                Self::on_curve(curve, &[&[4], &x[..], &y].concat()).filter(|_| is_whole)
            }
            "OKP" if text("crv") == Some("Ed25519") => Self::ed25519(&bytes("x")?),
            // Not `oct`: a published symmetric key is no secret.
            _ => None,
        }?;
        Some(Self { kid, alg, ..key })
    }

    /// A SubjectPublicKeyInfo (RFC 5280 §4.1) or an RSA key in PKCS #1.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let Ok(info) = SubjectPublicKeyInfoRef::try_from(der) else {
            return Self::rsa_der(der);
        };
        let key = info.subject_public_key.as_bytes()?;
        match info.algorithm.oid {
            OID_ED25519 => Self::ed25519(key),
            OID_EC => {
                let oid = info.algorithm.parameters_oid().ok()?;
                Self::on_curve(CURVES.iter().find(|curve| curve.oid == oid)?, key)
            }
            OID_RSA => Self::rsa_der(key),
            _ => None,
        }
    }

    fn rsa_der(der: &[u8]) -> Option<Self> {
        let RsaPublicKeyComponents { n, e } = (&rsa::PublicKey::from_der(der).ok()?).into();
        Self::rsa(n, e)
    }

    pub(crate) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<Self> {
        let is_odd = e.last().is_some_and(|byte| byte % 2 == 1);
        if !RSA_BITS.contains(&bits(&n)) || !(2..=64).contains(&bits(&e)) || !is_odd {
            return None;
        }
        let text = base64url::encode;
        let required = json!({"e": text(&e), "kty": "RSA", "n": text(&n)});
        let key = DecodingKey::from_rsa_raw_components(&n, &e);
        Some(Self::new(required, Kind::Rsa, Verifier::Jsonwebtoken(Box::new(key))))
    }

    /// From an uncompressed point (SEC 1 §2.3.3).
    pub(crate) fn p256(point: &[u8]) -> Option<Self> {
        Self::on_curve(&CURVES[0], point)
    }

    fn on_curve(curve: &'static Curve, point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(curve.coordinate_bytes)?;
        // Checks that the point is on the curve, which jsonwebtoken does only when it verifies.
        let key = ParsedPublicKey::new(curve.verification, point).ok()?;
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        let required = json!({"crv": curve.name, "kty": "EC", "x": x, "y": y});
        let verifier = match curve.name {
            "P-521" => Verifier::P521(key),
            _ => Verifier::Jsonwebtoken(Box::new(DecodingKey::from_ec_der(point))),
        };
        Some(Self::new(required, Kind::Ec(curve), verifier))
    }

    pub(crate) fn ed25519(x: &[u8]) -> Option<Self> {
        ParsedPublicKey::new(&ED25519, x).ok().filter(|_| x.len() == 32)?;
        let key = Box::new(DecodingKey::from_ed_der(x));
        let required = json!({"crv": "Ed25519", "kty": "OKP", "x": base64url::encode(x)});
        Some(Self::new(required, Kind::Ed25519, Verifier::Jsonwebtoken(key)))
    }

    const fn new(required: Value, kind: Kind, verifier: Verifier) -> Self {
        Self { kid: None, alg: None, required, kind, verifier }
    }

    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `RSA`, or the name of its curve.
    pub const fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Rsa => "RSA",
            Kind::Ec(curve) => curve.name,
            Kind::Ed25519 => "Ed25519",
        }
    }

    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.iter().copied().filter(|one| self.supports(*one))
    }

    pub fn supports(&self, algorithm: Algorithm) -> bool {
        let fits = match (self.kind, algorithm.family()) {
            (Kind::Rsa, Family::Rsa) | (Kind::Ed25519, Family::Ed25519) => true,
            (Kind::Ec(curve), Family::Ecdsa(name)) => curve.name == name,
            _ => false,
        };
        fits && self.alg.as_deref().is_none_or(|alg| alg == algorithm.as_str())
    }

    /// False if the key does not support the algorithm.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.supports(algorithm)
            && match &self.verifier {
                Verifier::Jsonwebtoken(key) => verify(algorithm, key, message, signature),
                Verifier::P521(key) => key.verify_sig(message, signature).is_ok(),
            }
    }

    pub const fn required_members(&self) -> &Value {
        &self.required
    }

    /// RFC 7638 §3.
    pub fn thumbprint(&self) -> String {
        base64url::encode(digest(&SHA256, self.required.to_string().as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kind())
    }
}

fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    let leading = significant.clone().next().map_or(0, |byte| byte.leading_zeros() as usize);
    significant.count() * 8 - leading
}
