//! The signing keys: made at every start, never written down.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use serde_json::json;

use crate::kit::Digest;
use crate::misbehave::Misbehaviour;

/// How many keys the set shows. An ID token is checked seconds after it was signed, but several
/// tests at once may each ask for a rotation.
const PUBLISHED: usize = 8;

/// Making a key, or signing with it, failed: the cryptographic library does not say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

/// A public key as the key set shows it, RFC 7517 §4 and RFC 7518 §6.3.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kty: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    n: String,
    e: String,
}

/// An RSA key of 2048 bits for RS256.
pub struct SigningKey {
    pair: RsaKeyPair,
    jwk: Jwk,
}

impl SigningKey {
    fn generate() -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError)?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let n = encode(pair.public_key().modulus().big_endian_without_leading_zero());
        let e = encode(pair.public_key().exponent().big_endian_without_leading_zero());
        // RFC 7638: a name that follows from the key, so two keys never share one.
        let thumbprint = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = Digest::of(thumbprint).to_base64url();
        Ok(Self { pair, jwk: Jwk { kty: "RSA", usage: "sig", alg: "RS256", kid, n, e } })
    }

    /// A JSON Web Signature in compact serialization, RFC 7515 §3.1: as good or as bad as the person
    /// at the consent page wished.
    pub fn sign(
        &self,
        claims: &impl Serialize,
        misbehaviour: Misbehaviour,
    ) -> Result<String, KeyError> {
        let header = match misbehaviour {
            Misbehaviour::Unsigned => json!({ "alg": "none", "typ": "JWT" }),
            _ => json!({ "alg": "RS256", "typ": "JWT", "kid": self.jwk.kid }),
        };
        let message = format!("{}.{}", encode(&header)?, encode(claims)?);
        if misbehaviour == Misbehaviour::Unsigned {
            return Ok(format!("{message}."));
        }
        // RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 §3.3. It is deterministic: the generator is asked
        // for by the signature of `sign` and not used.
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| KeyError)?;
        if misbehaviour == Misbehaviour::BadSignature
            && let Some(byte) = signature.first_mut()
        {
            *byte ^= 1;
        }
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encode(value: &impl Serialize) -> Result<String, KeyError> {
    let json = serde_json::to_vec(value).map_err(|_| KeyError)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The keys, newest first. Its methods may take as long as making a key does: call them through
/// [`blocking`](Self::blocking).
pub struct KeyRing {
    keys: RwLock<Vec<Arc<SigningKey>>>,
    /// Held while a key is made, so that two early requests do not make two.
    making: Mutex<()>,
}

impl KeyRing {
    /// An empty ring, and a thread that puts the first key into it: finding two primes takes long
    /// enough to be felt at start, and no request needs them yet.
    pub fn start() -> Arc<Self> {
        let ring = Arc::new(Self { keys: RwLock::default(), making: Mutex::default() });
        let early = Arc::clone(&ring);
        std::thread::spawn(move || {
            if early.current().is_err() {
                tracing::error!("the first signing key could not be made");
            }
        });
        ring
    }

    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let ring = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&ring)).await.unwrap_or(Err(KeyError))
    }

    pub fn current(&self) -> Result<Arc<SigningKey>, KeyError> {
        if let Some(key) = self.newest() {
            return Ok(key);
        }
        let _making = self.making.lock();
        match self.newest() {
            Some(key) => Ok(key),
            None => Ok(self.add(SigningKey::generate()?)),
        }
    }

    /// Brings a new key into use. The older ones stay in the set, as they do at a good provider:
    /// what they signed a moment ago is still on its way.
    pub fn rotate(&self) -> Result<Arc<SigningKey>, KeyError> {
        // The first key comes first, so that a rotation always is one.
        self.current()?;
        Ok(self.add(SigningKey::generate()?))
    }

    /// The key set, RFC 7517 §5.
    pub fn jwks(&self) -> Result<Vec<Jwk>, KeyError> {
        self.current()?;
        Ok(self.keys.read().iter().map(|key| key.jwk.clone()).collect())
    }

    fn newest(&self) -> Option<Arc<SigningKey>> {
        self.keys.read().first().cloned()
    }

    fn add(&self, key: SigningKey) -> Arc<SigningKey> {
        let key = Arc::new(key);
        let mut keys = self.keys.write();
        keys.insert(0, Arc::clone(&key));
        keys.truncate(PUBLISHED);
        key
    }
}
