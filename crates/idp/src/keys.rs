//! Signing keys, generated at every start and kept in memory only.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};

use crate::kit::Digest;
use crate::misbehave::Misbehaviour;

/// Keys in the published set. Several tests at once may each trigger a rotation.
const MAX_PUBLISHED: usize = 8;

/// Generating a key or signing failed; the cryptographic library does not say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

/// An RSA key of 2048 bits for RS256.
pub struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
    /// The public key, RFC 7517 §4 and RFC 7518 §6.3.1.
    jwk: Value,
}

impl SigningKey {
    fn generate() -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError)?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let n = encode(pair.public_key().modulus().big_endian_without_leading_zero());
        let e = encode(pair.public_key().exponent().big_endian_without_leading_zero());
        // RFC 7638: unique, because it is derived from the key.
        let thumbprint = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = Digest::of(thumbprint).to_base64url();
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e });
        Ok(Self { pair, kid, jwk })
    }

    /// A JSON Web Signature in compact serialization, RFC 7515 §3.1, with the requested fault.
    pub fn sign(
        &self,
        claims: &impl Serialize,
        misbehaviour: Misbehaviour,
    ) -> Result<String, KeyError> {
        let header = match misbehaviour {
            Misbehaviour::Unsigned => json!({ "alg": "none", "typ": "JWT" }),
            _ => json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid }),
        };
        let message = format!("{}.{}", encode(&header)?, encode(claims)?);
        if misbehaviour == Misbehaviour::Unsigned {
            return Ok(format!("{message}."));
        }
        // RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 §3.3. It is deterministic and does not use the
        // random number generator that the API requires.
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

/// The first key of every provider in this process.
static FIRST: LazyLock<Result<Arc<SigningKey>, KeyError>> =
    LazyLock::new(|| SigningKey::generate().map(Arc::new));

/// The keys, newest first. Methods may generate a key: call them in [`blocking`](Self::blocking).
#[derive(Default)]
pub struct KeyRing(Mutex<Vec<Arc<SigningKey>>>);

impl KeyRing {
    /// Generates the first key in a background thread, so that the start is not delayed.
    pub fn start() -> Arc<Self> {
        std::thread::spawn(|| {
            if FIRST.is_err() {
                tracing::error!("the first signing key could not be generated");
            }
        });
        Arc::default()
    }

    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let ring = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&ring)).await.unwrap_or(Err(KeyError))
    }

    pub fn current(&self) -> Result<Arc<SigningKey>, KeyError> {
        let mut keys = self.0.lock();
        if keys.is_empty() {
            keys.push(FIRST.clone()?);
        }
        Ok(Arc::clone(&keys[0]))
    }

    /// Switches to a new key. Older keys stay published for tokens that they have signed.
    pub fn rotate(&self) -> Result<Arc<SigningKey>, KeyError> {
        // Without a first key, this would not be a rotation.
        self.current()?;
        let key = Arc::new(SigningKey::generate()?);
        let mut keys = self.0.lock();
        keys.insert(0, Arc::clone(&key));
        keys.truncate(MAX_PUBLISHED);
        Ok(key)
    }

    /// The key set, RFC 7517 §5.
    pub fn jwks(&self) -> Result<Vec<Value>, KeyError> {
        self.current()?;
        Ok(self.0.lock().iter().map(|key| key.jwk.clone()).collect())
    }
}
