//! The key ring in the database, with a copy in every process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_domain::{Span, Timestamp};
use latchkey_store::Db;
use latchkey_store::signing_keys::{self, StoredKey};
use tokio::sync::Mutex;

use super::cache::Verifier;
use super::claims::{AccessClaims, issue};
use super::error::TokenError;
use super::key::{Algorithm, KeyError, SigningKey};
use super::ring::{Key, KeyRing, RingKey};
use super::verify::Expected;
use crate::secret::{AppSecret, EncryptError, Purpose};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    #[error("there is no key to sign with")]
    Empty,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Refused(#[from] TokenError),
    /// Its key could not be looked up.
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
}

#[derive(Debug)]
pub struct SigningKeys {
    db: Db,
    secret: AppSecret,
    access_ttl: Span,
    verifier: Verifier,
    /// What the ring was read from. The lock is held during a reload, so that no ring replaces
    /// one that was read later.
    loaded: Mutex<Vec<StoredKey>>,
    /// Successful reloads, including those that found no change.
    reloads: AtomicU64,
}

impl SigningKeys {
    /// Loads the ring, and adds a key to sign with if needed.
    pub async fn open(
        db: Db,
        secret: AppSecret,
        access_ttl: Span,
        expected: Expected,
        source: KeySource,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let stored = signing_keys::all(&db).await?;
        // Only here, because the ring is loaded often.
        for key in stored.iter().filter(|key| decrypt(&secret, key).is_none()) {
            tracing::warn!(kid = key.kid, "a signing key cannot be decrypted with APP_SECRET");
        }
        let ring = to_ring(&secret, access_ttl, &stored);
        let keys = Self {
            db,
            secret,
            access_ttl,
            verifier: Verifier::new(ring, expected),
            loaded: Mutex::new(stored),
            reloads: AtomicU64::default(),
        };
        let ring = keys.ring();
        match source {
            KeySource::Provided(key) => {
                if ring.newest().map(RingKey::kid) != Some(key.kid()) {
                    keys.add(key, now).await?;
                }
            }
            KeySource::Generated(algorithm) => {
                let fits = |key: &RingKey| key.key.verifying().algorithm() == algorithm;
                if !ring.newest().is_some_and(fits) {
                    keys.rotate(algorithm, now).await?;
                }
            }
        }
        Ok(keys)
    }

    pub fn ring(&self) -> Arc<KeyRing> {
        self.verifier.ring()
    }

    pub fn leeway(&self) -> Span {
        self.verifier.leeway()
    }

    /// With the current key.
    pub fn sign(&self, claims: &AccessClaims, now: Timestamp) -> Result<String, Error> {
        let ring = self.ring();
        Ok(issue(ring.signing_key(now).ok_or(Error::Empty)?, claims)?)
    }

    /// Without the database, unless the key is unknown: then it reloads the ring, at most once
    /// per second.
    pub async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<AccessClaims>, VerifyError> {
        match self.verifier.verify(token, now) {
            Err(TokenError::UnknownKey) => Box::pin(self.reload_and_verify(token, now)).await,
            verified => Ok(verified?),
        }
    }

    async fn reload_and_verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<AccessClaims>, VerifyError> {
        // Requests that arrive during a reload wait for it.
        let before = self.reloads.load(Ordering::Acquire);
        let mut loaded = self.loaded.lock().await;
        let is_current = self.reloads.load(Ordering::Acquire) != before;
        if !is_current && self.verifier.may_reload(now) {
            self.reload_into(&mut loaded).await?;
        }
        Ok(self.verifier.verify(token, now)?)
    }

    pub async fn reload(&self) -> Result<(), latchkey_store::Error> {
        self.reload_into(&mut *self.loaded.lock().await).await
    }

    async fn reload_into(&self, loaded: &mut Vec<StoredKey>) -> Result<(), latchkey_store::Error> {
        let stored = signing_keys::all(&self.db).await?;
        // Cached tokens compare their key faster with the same ring.
        if *loaded != stored {
            self.verifier.replace_ring(to_ring(&self.secret, self.access_ttl, &stored));
            *loaded = stored;
        }
        self.reloads.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Adds a new key, which signs as soon as every process knows it. Returns its `kid`.
    pub async fn rotate(&self, algorithm: Algorithm, now: Timestamp) -> Result<String, Error> {
        let key = SigningKey::generate(algorithm)?;
        let kid = key.kid().to_owned();
        self.add(key, now).await?;
        Ok(kid)
    }

    pub async fn prune(&self, now: Timestamp) -> Result<(), latchkey_store::Error> {
        let retention = self.ring().accepted_after_retirement();
        signing_keys::forget(&self.db, now.minus(retention)).await
    }

    async fn add(&self, key: SigningKey, now: Timestamp) -> Result<(), Error> {
        let stored = StoredKey {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm().to_string(),
            private_key: self.secret.seal(Purpose::SigningKey, key.kid(), key.private_bytes())?,
            created_at: now,
            signs_from: self.ring().next_signs_from(now),
            retired_at: None,
        };
        signing_keys::rotate(&self.db, &stored).await?;
        self.reload().await?;
        Ok(())
    }
}

#[derive(Debug)]
pub enum KeySource {
    Generated(Algorithm),
    Provided(SigningKey),
}

fn to_ring(secret: &AppSecret, access_ttl: Span, stored: &[StoredKey]) -> KeyRing {
    KeyRing::new(stored.iter().filter_map(|key| decrypt(secret, key)).collect(), access_ttl)
}

/// `None` if `APP_SECRET` no longer decrypts the key: its tokens are rejected, and another key
/// replaces it.
fn decrypt(secret: &AppSecret, stored: &StoredKey) -> Option<RingKey> {
    let private = secret.open(Purpose::SigningKey, &stored.kid, &stored.private_key).ok()?;
    let algorithm = stored.algorithm.parse().ok()?;
    let key = SigningKey::from_private_bytes(algorithm, stored.kid.clone(), &private).ok()?;
    Some(RingKey {
        key: Key::Private(key),
        created_at: stored.created_at,
        signs_from: stored.signs_from,
        retired_at: stored.retired_at,
    })
}
