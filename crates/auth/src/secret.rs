//! `APP_SECRET`: encryption at rest and in cookies.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::random;

/// A secret, redacted in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Each purpose has a derived key of its own, so that no ciphertext decrypts for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An OAuth attempt, in a cookie.
    OAuthAttempt,
    /// An identity to be linked, in a cookie.
    PendingLink,
    /// A private JWT signing key, in the database.
    SigningKey,
    /// The successor of a refresh token, derived from the token itself.
    RefreshSuccessor,
    /// A provider's token, in the database.
    ProviderToken,
    /// A queued e-mail, in the database.
    Email,
    /// The ID of the secret that encrypted a row.
    KeyId,
}

impl Purpose {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::OAuthAttempt => b"latchkey/oauth-attempt/v1",
            Self::PendingLink => b"latchkey/pending-link/v1",
            Self::SigningKey => b"latchkey/signing-key/v1",
            Self::RefreshSuccessor => b"latchkey/refresh-successor/v1",
            Self::ProviderToken => b"latchkey/provider-token/v1",
            Self::Email => b"latchkey/email/v1",
            Self::KeyId => b"latchkey/key-id/v1",
        }
    }
}

/// The ciphertext was altered, has another purpose, or its secret is no longer in `APP_SECRET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted with APP_SECRET")]
pub struct DecryptError;

/// The value cannot be serialized, or is larger than AES-GCM allows (64 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be encrypted")]
pub struct EncryptError;

/// The secrets of `APP_SECRET`, the current one first.
#[derive(Clone)]
pub struct AppSecret {
    current: hkdf::Prk,
    previous: Vec<hkdf::Prk>,
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppSecret[{}]", self.previous.len() + 1)
    }
}

impl AppSecret {
    pub fn new(current: &Secret, previous: &[Secret]) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"latchkey");
        let extract = |secret: &Secret| salt.extract(secret.expose().as_bytes());
        Self { current: extract(current), previous: previous.iter().map(extract).collect() }
    }

    /// Encrypts with the current secret (AES-256-GCM) for a purpose and a context, such as the
    /// row that will contain it.
    pub fn seal(
        &self,
        purpose: Purpose,
        context: &str,
        text: &[u8],
    ) -> Result<String, EncryptError> {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = text.to_vec();
        let aad = Aad::from(context.as_bytes());
        aead_key(&self.current, purpose)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| EncryptError)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Encrypts a value as JSON.
    pub fn seal_json(
        &self,
        purpose: Purpose,
        context: &str,
        value: &impl Serialize,
    ) -> Result<String, EncryptError> {
        self.seal(purpose, context, &serde_json::to_vec(value).map_err(|_| EncryptError)?)
    }

    /// Tries all secrets.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &str,
        sealed: &str,
    ) -> Result<Vec<u8>, DecryptError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| DecryptError)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(DecryptError)?;
        self.secrets()
            .find_map(|secret| {
                let mut text = sealed.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let aad = Aad::from(context.as_bytes());
                let length =
                    aead_key(secret, purpose).open_in_place(nonce, aad, &mut text).ok()?.len();
                text.truncate(length);
                Some(text)
            })
            .ok_or(DecryptError)
    }

    /// Identifies the current secret without revealing it.
    pub fn key_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&derive_key(&self.current, Purpose::KeyId)[..9])
    }

    /// HMAC-SHA-256 of a text with each secret (base64url), the current one first.
    pub fn derive(&self, purpose: Purpose, text: &str) -> impl Iterator<Item = String> {
        self.secrets().map(move |secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &derive_key(secret, purpose));
            URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
        })
    }

    fn secrets(&self) -> impl Iterator<Item = &hkdf::Prk> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

#[expect(clippy::expect_used, reason = "HKDF-SHA-256 can expand to 8,160 bytes")]
fn derive_key(secret: &hkdf::Prk, purpose: Purpose) -> [u8; 32] {
    let mut key = [0; 32];
    secret
        .expand(&[purpose.info()], hkdf::HKDF_SHA256)
        .and_then(|output| output.fill(&mut key))
        .expect("32 bytes");
    key
}

#[expect(clippy::expect_used, reason = "the only error is a key that does not have 32 bytes")]
fn aead_key(secret: &hkdf::Prk, purpose: Purpose) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derive_key(secret, purpose)).expect("32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(current: &str, earlier: &[&str]) -> AppSecret {
        let earlier: Vec<_> = earlier.iter().map(|secret| Secret::new(*secret)).collect();
        AppSecret::new(&Secret::new(current), &earlier)
    }

    #[test]
    fn sealed_data_requires_same_key_purpose_and_context() {
        let secret = app("one", &[]);
        let sealed = secret.seal(Purpose::OAuthAttempt, "a", b"hello").expect("a ciphertext");
        assert_eq!(secret.open(Purpose::OAuthAttempt, "a", &sealed), Ok(b"hello".to_vec()));
        assert_eq!(secret.open(Purpose::OAuthAttempt, "b", &sealed), Err(DecryptError));
        assert_eq!(secret.open(Purpose::SigningKey, "a", &sealed), Err(DecryptError));
        assert_eq!(app("two", &[]).open(Purpose::OAuthAttempt, "a", &sealed), Err(DecryptError));
        assert_eq!(
            app("two", &["one"]).open(Purpose::OAuthAttempt, "a", &sealed),
            Ok(b"hello".to_vec())
        );
        assert_ne!(Ok(sealed), secret.seal(Purpose::OAuthAttempt, "a", b"hello"));
    }

    #[test]
    fn tampered_ciphertext_is_rejected() {
        let secret = app("one", &[]);
        let sealed = secret.seal(Purpose::OAuthAttempt, "", b"hello").expect("a ciphertext");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8_lossy(&altered);
            assert_eq!(secret.open(Purpose::OAuthAttempt, "", &altered), Err(DecryptError));
            assert_eq!(secret.open(Purpose::OAuthAttempt, "", &sealed[..at]), Err(DecryptError));
        }
        assert_eq!(secret.open(Purpose::OAuthAttempt, "", "no base64!"), Err(DecryptError));
    }

    #[test]
    fn key_id_depends_only_on_current_secret() {
        assert_eq!(app("one", &[]).key_id(), app("one", &["two"]).key_id());
        assert_ne!(app("one", &[]).key_id(), app("two", &["one"]).key_id());
        assert_eq!(app("one", &[]).key_id().len(), 12);
    }

    #[test]
    fn secrets_are_redacted_in_debug_output() {
        assert_eq!(
            format!("{:?} {:?}", Secret::new("hush"), app("hush", &["hush"])),
            "[secret] AppSecret[2]"
        );
    }
}
