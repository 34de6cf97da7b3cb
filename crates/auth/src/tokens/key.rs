//! The keys that sign and verify our access tokens.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::pkcs8::Document;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::EncodingKey;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use serde_json::{Value, json};

use crate::jose::pem::Pem;
use crate::jose::{self, PublicKey, base64url};
use crate::random;

/// At least as long as the hash (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// Signed by a new key to test it.
const TEST_MESSAGE: &[u8] = b"latchkey";

/// A key has exactly one of these (RFC 8725 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "UPPERCASE", parse_err_ty = UnknownAlgorithm, parse_err_fn = unknown)]
pub enum Algorithm {
    /// Ed25519: short keys and signatures, no parameters to get wrong.
    #[default]
    #[strum(serialize = "EdDSA")]
    EdDsa,
    Es256,
    /// RSA with PKCS #1 v1.5, which every library can verify.
    Rs256,
    /// HMAC. Never published: the key that verifies also signs.
    Hs256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm; there are EdDSA, ES256, RS256 and HS256")]
pub struct UnknownAlgorithm;

fn unknown(_: &str) -> UnknownAlgorithm {
    UnknownAlgorithm
}

impl Algorithm {
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    pub const fn as_str(self) -> &'static str {
        self.jose().as_str()
    }

    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256)
    }

    pub(super) const fn jose(self) -> jose::Algorithm {
        match self {
            Self::EdDsa => jose::Algorithm::EdDsa,
            Self::Es256 => jose::Algorithm::Es256,
            Self::Rs256 => jose::Algorithm::Rs256,
            Self::Hs256 => jose::Algorithm::Hs256,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("this is not a key in PEM; it must begin with -----BEGIN PRIVATE KEY-----")]
    NotPem,
    #[error(
        "this private key is not in PKCS #8; convert it with \
         `openssl pkcs8 -topk8 -nocrypt -in key.pem`"
    )]
    NotPkcs8,
    #[error("this private key is damaged: it is not valid PKCS #8")]
    Damaged,
    #[error(
        "this private key is protected by a passphrase; remove it with \
         `openssl pkcs8 -in key.pem`"
    )]
    Encrypted,
    #[error("this is a public key or a certificate; the private key is needed")]
    NotPrivate,
    #[error("this is {0}; an Ed25519, a P-256 or an RSA key is needed")]
    Unsupported(&'static str),
    /// RFC 7518 §3.3.
    #[error("this RSA key is too short; it needs at least 2048 bits")]
    RsaTooShort,
    /// RFC 7518 §3.2.
    #[error("this secret is too short; it needs at least {SECRET_BYTES} bytes")]
    SecretTooShort,
    /// Or its two halves do not match.
    #[error("these bytes are not a valid {0} key")]
    Unreadable(Algorithm),
    #[error("this is not a public JSON Web Key of a supported algorithm")]
    NotPublicJwk,
    #[error("no {0} key could be generated")]
    NotGenerated(Algorithm),
    #[error("the {0} key does not sign")]
    DoesNotSign(Algorithm),
}

/// A private key with its one algorithm and its public key. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    private: Vec<u8>,
    encoding: EncodingKey,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// Ed25519, P-256, RSA with 2048 bits, or 32 random bytes.
    ///
    /// The `kid` is the thumbprint of the public key (RFC 7638). That of an HMAC secret is
    /// random, so that it reveals nothing (RFC 7638 §7).
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let bytes = |der: Document| der.as_ref().to_vec();
        let private = match algorithm {
            Algorithm::EdDsa => {
                Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map(bytes)
            }
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .and_then(|pair| pair.to_pkcs8v1())
                .map(bytes),
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .and_then(|pair| AsDer::<Pkcs8V1Der<'_>>::as_der(&pair))
                .map(|der| der.as_ref().to_vec()),
            Algorithm::Hs256 => Ok(random::bytes::<SECRET_BYTES>().to_vec()),
        };
        let private = private.map_err(|_| KeyError::NotGenerated(algorithm))?;
        let kid = algorithm.is_symmetric().then(|| base64url::encode(random::bytes::<16>()));
        Self::new(algorithm, kid, private)
    }

    /// The algorithm follows from the key, and the `kid` is its thumbprint (RFC 7638). Errors
    /// contain no part of the key.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        let pem = Pem::find(text).ok_or(KeyError::NotPem)?;
        match pem.label {
            "PRIVATE KEY" => {}
            "EC PARAMETERS" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => {
                return Err(KeyError::NotPkcs8);
            }
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => return Err(KeyError::NotPrivate),
            _ => return Err(KeyError::NotPem),
        }
        let private = pem.der().ok_or(KeyError::NotPem)?;
        Self::new(pkcs8_algorithm(&private)?, None, private)
    }

    pub fn from_private_bytes(
        algorithm: Algorithm,
        kid: String,
        private: &[u8],
    ) -> Result<Self, KeyError> {
        Self::new(algorithm, Some(kid), private.to_vec())
    }

    fn new(algorithm: Algorithm, kid: Option<String>, private: Vec<u8>) -> Result<Self, KeyError> {
        let (encoding, verifier) = parse(algorithm, &private)?;
        let verifying = VerifyingKey::new(kid, algorithm, verifier)?;
        let key = Self(Arc::new(Inner { private, encoding, verifying }));
        // A test signature proves that the two halves match. It also initializes aws-lc's
        // random generator, which takes 30 to 50 ms, before the first sign-in needs it.
        let matches = key.verifying().verifies(TEST_MESSAGE, &key.sign(TEST_MESSAGE)?);
        matches.then_some(key).ok_or(KeyError::Unreadable(algorithm))
    }

    pub fn kid(&self) -> &str {
        self.0.verifying.kid()
    }

    pub fn algorithm(&self) -> Algorithm {
        self.0.verifying.algorithm()
    }

    pub fn verifying(&self) -> &VerifyingKey {
        &self.0.verifying
    }

    /// PKCS #8 in DER, or the HMAC secret, to be encrypted and stored.
    pub fn private_bytes(&self) -> &[u8] {
        &self.0.private
    }

    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.0.encoding
    }

    /// RFC 7518 §3, RFC 8037 §3.1.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = KeyError::DoesNotSign(self.algorithm());
        let algorithm = self.algorithm().jose().to_jsonwebtoken().ok_or(failed)?;
        let signature = jsonwebtoken::crypto::sign(message, self.encoding(), algorithm);
        base64url::decode(&signature.map_err(|_| failed)?).ok_or(failed)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {}, [secret])", self.algorithm(), self.kid())
    }
}

/// RFC 5958 §2.
fn pkcs8_algorithm(der: &[u8]) -> Result<Algorithm, KeyError> {
    const ED448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.113");
    const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Damaged)?;
    match info.algorithm.oid {
        jose::OID_ED25519 => Ok(Algorithm::EdDsa),
        jose::OID_RSA => Ok(Algorithm::Rs256),
        jose::OID_EC if info.algorithm.parameters_oid() == Ok(jose::OID_P256) => {
            Ok(Algorithm::Es256)
        }
        jose::OID_EC => Err(KeyError::Unsupported("a key on an elliptic curve other than P-256")),
        ED448 => Err(KeyError::Unsupported("an Ed448 key")),
        RSA_PSS => Err(KeyError::Unsupported("an RSA-PSS key")),
        _ => Err(KeyError::Unsupported("a key of an unknown kind")),
    }
}

fn parse(algorithm: Algorithm, private: &[u8]) -> Result<(EncodingKey, Verifier), KeyError> {
    let unreadable = KeyError::Unreadable(algorithm);
    let (encoding, public) = match algorithm {
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(private).map_err(|_| unreadable)?;
            let public = PublicKey::ed25519(pair.public_key().as_ref());
            (EncodingKey::from_ed_der(private), public)
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private)
                .map_err(|_| unreadable)?;
            let public = PublicKey::p256(pair.public_key().as_ref());
            (EncodingKey::from_ec_der(private), public)
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(private).map_err(|refused| {
                match refused.description_() {
                    "TooSmall" => KeyError::RsaTooShort,
                    _ => unreadable,
                }
            })?;
            let RsaPublicKeyComponents { n, e } = pair.public_key().into();
            // jsonwebtoken extracts the PKCS #1 key only from a PEM.
            let body = STANDARD.encode(private);
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
            let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| unreadable)?;
            (encoding, PublicKey::rsa(n, e))
        }
        Algorithm::Hs256 if private.len() < SECRET_BYTES => return Err(KeyError::SecretTooShort),
        Algorithm::Hs256 => {
            return Ok((EncodingKey::from_secret(private), Verifier::Secret(private.to_vec())));
        }
    };
    Ok((encoding, Verifier::Public(public.ok_or(unreadable)?)))
}

/// A key that verifies with one algorithm (RFC 8725 §3.1). Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Verifying>);

struct Verifying {
    kid: String,
    algorithm: Algorithm,
    verifier: Verifier,
}

enum Verifier {
    Public(PublicKey),
    /// An HMAC secret, which also signs.
    Secret(Vec<u8>),
}

impl VerifyingKey {
    /// The `kid` defaults to the thumbprint, which an HMAC secret does not have.
    fn new(
        kid: Option<String>,
        algorithm: Algorithm,
        verifier: Verifier,
    ) -> Result<Self, KeyError> {
        let kid = match (kid, &verifier) {
            (Some(kid), _) => kid,
            (None, Verifier::Public(key)) => key.thumbprint(),
            (None, Verifier::Secret(_)) => return Err(KeyError::NotPublicJwk),
        };
        Ok(Self(Arc::new(Verifying { kid, algorithm, verifier })))
    }

    /// Any public key of one of our algorithms. The `kid` defaults to the thumbprint.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let key = PublicKey::from_jwk(jwk).ok_or(KeyError::NotPublicJwk)?;
        let fits = |one: &Algorithm| key.supports(one.jose());
        let algorithm = Algorithm::ALL.into_iter().find(fits).ok_or(KeyError::NotPublicJwk)?;
        Self::new(key.kid().map(str::to_owned), algorithm, Verifier::Public(key))
    }

    /// RFC 7517 §4; `None` for an HMAC key.
    pub fn to_jwk(&self) -> Option<Value> {
        let Verifier::Public(key) = &self.0.verifier else { return None };
        let mut jwk = key.required_members().clone();
        jwk["kid"] = json!(self.kid());
        jwk["alg"] = json!(self.algorithm().as_str());
        jwk["use"] = json!("sig");
        Some(jwk)
    }

    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm = self.algorithm().jose();
        match &self.0.verifier {
            Verifier::Public(key) => key.verifies(algorithm, message, signature),
            Verifier::Secret(secret) => jose::verify_hmac(algorithm, secret, message, signature),
        }
    }
}

/// Compares the key material too, not only the `kid`.
impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        let same = || match (&self.0.verifier, &other.0.verifier) {
            (Verifier::Public(one), Verifier::Public(other)) => {
                one.required_members() == other.required_members()
            }
            (Verifier::Secret(one), Verifier::Secret(other)) => one == other,
            _ => false,
        };
        Arc::ptr_eq(&self.0, &other.0) || (self.0.kid == other.0.kid && same())
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm(), self.kid())
    }
}
