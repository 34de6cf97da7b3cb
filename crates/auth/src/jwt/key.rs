//! Keys that sign.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;

use super::verifying_key::Public;
use super::{Algorithm, VerifyingKey, pem, use_aws_lc};
use crate::random;

/// An HMAC secret is as long as its hash at least (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// What a new key signs to prove itself.
const PROOF: &[u8] = b"latchkey";

/// A key that signs with one algorithm, and the key that verifies what it signed.
///
/// Cloning it is cheap; the secret is there once.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    private: Vec<u8>,
    encoding: EncodingKey,
    verifying: VerifyingKey,
}

/// Why a key cannot be used, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PEM, or one that is damaged.
    #[error("this is no PEM of a key; it has to begin with -----BEGIN PRIVATE KEY-----")]
    NoPem,
    #[error(
        "this private key is not in PKCS #8; convert it with \
         `openssl pkcs8 -topk8 -nocrypt -in key.pem`"
    )]
    NotPkcs8,
    #[error(
        "this private key is protected by a passphrase; take that off with \
         `openssl pkcs8 -in key.pem`"
    )]
    Encrypted,
    /// A public key or a certificate.
    #[error("this is a public key or a certificate; signing takes the private key")]
    NotPrivate,
    /// A private key, of a kind that signs with no algorithm of ours.
    #[error("this is {0}; an Ed25519, a P-256 or an RSA key is needed")]
    Foreign(&'static str),
    /// An RSA key that can be factored (RFC 7518 §3.3).
    #[error("this RSA key is too short; 2048 bits are the least")]
    RsaTooShort,
    /// An HMAC secret that can be guessed (RFC 7518 §3.2).
    #[error("this secret is too short; {SECRET_BYTES} bytes are the least")]
    SecretTooShort,
    /// The bytes are no such key, or its public part is not of its private one.
    #[error("these bytes are no {0} key")]
    Unreadable(Algorithm),
    /// A JSON Web Key that is not one of our public keys.
    #[error("this is no public JSON Web Key of an algorithm that is used here")]
    NotPublicJwk,
    /// The generator failed: a fault of the machine.
    #[error("no {0} key could be generated")]
    NotGenerated(Algorithm),
    #[error("the {0} key does not sign")]
    DoesNotSign(Algorithm),
}

impl SigningKey {
    /// A new key: Ed25519, P-256, RSA of 2048 bits, or 32 random bytes.
    ///
    /// Its `kid` is the RFC 7638 thumbprint of its public part; that of a
    /// secret is random, for it says nothing of the secret then (RFC 7638 §7).
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = KeyError::NotGenerated(algorithm);
        let private = match algorithm {
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(|_| failed)?;
                pair.to_pkcs8v1().map_err(|_| failed)?.as_ref().to_vec()
            }
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed)?;
                pair.to_pkcs8v1().map_err(|_| failed)?.as_ref().to_vec()
            }
            Algorithm::Rs256 => {
                let pair =
                    RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).map_err(|_| failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed)?;
                der.as_ref().to_vec()
            }
            Algorithm::Hs256 => random::bytes::<SECRET_BYTES>().to_vec(),
        };
        let kid = algorithm.is_symmetric().then(|| URL_SAFE_NO_PAD.encode(random::bytes::<16>()));
        Self::new(algorithm, kid, private)
    }

    /// A key that somebody brought: PKCS #8 in PEM. The algorithm follows from
    /// the key, the `kid` is its RFC 7638 thumbprint.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence; never a byte of it.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        let (algorithm, private) = pem::private_key(pem)?;
        Self::new(algorithm, None, private)
    }

    /// A key that was kept as [`SigningKey::private_bytes`].
    ///
    /// # Errors
    /// When the bytes are not that.
    pub fn from_private_bytes(
        algorithm: Algorithm,
        kid: String,
        private: &[u8],
    ) -> Result<Self, KeyError> {
        Self::new(algorithm, Some(kid), private.to_vec())
    }

    fn new(algorithm: Algorithm, kid: Option<String>, private: Vec<u8>) -> Result<Self, KeyError> {
        use_aws_lc();
        let (encoding, public) = read(algorithm, &private)?;
        let verifying = VerifyingKey::new(kid, public)?;
        let key = Self(Arc::new(Inner { private, encoding, verifying }));
        // One signature proves that the two halves belong together, and takes
        // the first use of aws-lc's random generator, of 30 to 50 ms, off
        // somebody's sign-in: ECDSA and RSA draw from it.
        let signature = key.sign(PROOF)?;
        if key.verifying().verifies(PROOF, &signature) {
            Ok(key)
        } else {
            Err(KeyError::Unreadable(algorithm))
        }
    }

    /// The key's name, in the header of each token that it signs.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.0.verifying.kid()
    }

    /// The one algorithm of this key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.verifying.algorithm()
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn verifying(&self) -> &VerifyingKey {
        &self.0.verifying
    }

    /// The secret itself (PKCS #8 in DER, or the HMAC secret), for whoever
    /// encrypts and stores it.
    #[must_use]
    pub fn private_bytes(&self) -> &[u8] {
        &self.0.private
    }

    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.0.encoding
    }

    fn sign(&self, message: &[u8]) -> Result<String, KeyError> {
        let algorithm = self.algorithm();
        jsonwebtoken::crypto::sign(message, self.encoding(), algorithm.in_jsonwebtoken())
            .map_err(|_| KeyError::DoesNotSign(algorithm))
    }
}

/// Says which key it is, never what it is.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {}, [secret])", self.algorithm(), self.kid())
    }
}

fn read(algorithm: Algorithm, private: &[u8]) -> Result<(EncodingKey, Public), KeyError> {
    let unreadable = KeyError::Unreadable(algorithm);
    match algorithm {
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(private).map_err(|_| unreadable)?;
            let x = pair.public_key().as_ref().to_vec();
            Ok((EncodingKey::from_ed_der(private), Public::Ed25519 { x }))
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private)
                .map_err(|_| unreadable)?;
            let public = Public::p256(pair.public_key().as_ref()).ok_or(unreadable)?;
            Ok((EncodingKey::from_ec_der(private), public))
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(private).map_err(|refused| {
                match refused.description_() {
                    "TooSmall" => KeyError::RsaTooShort,
                    _ => unreadable,
                }
            })?;
            let RsaPublicKeyComponents { n, e } =
                RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
            // jsonwebtoken wants the PKCS #1 key inside, and finds it in a PEM only.
            let pem = format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                STANDARD.encode(private)
            );
            let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| unreadable)?;
            Ok((encoding, Public::Rsa { n, e }))
        }
        Algorithm::Hs256 if private.len() < SECRET_BYTES => Err(KeyError::SecretTooShort),
        Algorithm::Hs256 => {
            Ok((EncodingKey::from_secret(private), Public::Secret(private.to_vec())))
        }
    }
}
