//! `APP_SECRET`: what is encrypted at rest, and in cookies, is encrypted here.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::random;

/// A secret that never shows itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself: only for the call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What a sealed text is for. A key is derived for each purpose, so that what
/// was sealed for one can never be opened as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The state of one OAuth attempt, in the browser's cookie.
    OAuthAttempt,
    /// An identity that waits to be linked, in the browser's cookie.
    PendingLink,
    /// A private key that signs JWTs, in the database.
    SigningKey,
    /// The successor of a refresh token, derived from the token itself.
    RefreshSuccessor,
    /// A token that a provider gave us for somebody, in the database.
    ProviderToken,
    /// The name of a secret, by which what it sealed is found.
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
            Self::KeyId => b"latchkey/key-id/v1",
        }
    }
}

/// A sealed text that cannot be opened: altered, cut off, sealed for something
/// else, or with a secret that is no longer in `APP_SECRET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be opened with APP_SECRET")]
pub struct CannotOpen;

/// The secrets of `APP_SECRET`, the current one first.
#[derive(Clone)]
pub struct AppSecret {
    current: hkdf::Prk,
    earlier: Vec<hkdf::Prk>,
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppSecret[{}]", self.earlier.len() + 1)
    }
}

impl AppSecret {
    /// Takes the current secret, and earlier ones that still open what they sealed.
    #[must_use]
    pub fn new(current: &Secret, earlier: &[Secret]) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"latchkey");
        let extract = |secret: &Secret| salt.extract(secret.expose().as_bytes());
        Self { current: extract(current), earlier: earlier.iter().map(extract).collect() }
    }

    /// Encrypts with the current secret (AES-256-GCM), for one purpose and one
    /// context, such as the row in which it will lie.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &str, text: &[u8]) -> String {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = text.to_vec();
        let aad = Aad::from(context.as_bytes());
        let key = aead_key(&self.current, purpose);
        if key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .is_err()
        {
            // Only a text of more than 64 GiB is refused. Nothing is sealed then:
            // what comes out opens with nothing.
            sealed.clear();
        }
        let mut whole = nonce.to_vec();
        whole.append(&mut sealed);
        URL_SAFE_NO_PAD.encode(whole)
    }

    /// Decrypts what any of the secrets sealed for this purpose and context.
    ///
    /// # Errors
    /// When none of them did, or the text was altered since.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &str,
        sealed: &str,
    ) -> Result<Vec<u8>, CannotOpen> {
        let whole = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| CannotOpen)?;
        let (nonce, sealed) = whole.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        self.all()
            .find_map(|secret| {
                let mut text = sealed.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let aad = Aad::from(context.as_bytes());
                let length =
                    aead_key(secret, purpose).open_in_place(nonce, aad, &mut text).ok()?.len();
                text.truncate(length);
                Some(text)
            })
            .ok_or(CannotOpen)
    }

    /// The name of the current secret: it says which one it is, and nothing of
    /// what it is.
    #[must_use]
    pub fn key_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&derived(&self.current, Purpose::KeyId)[..9])
    }

    /// What each secret makes of a text (HMAC-SHA-256, base64url), the current one first.
    pub fn derive(&self, purpose: Purpose, text: &str) -> impl Iterator<Item = String> {
        self.all().map(move |secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &derived(secret, purpose));
            URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
        })
    }

    fn all(&self) -> impl Iterator<Item = &hkdf::Prk> {
        std::iter::once(&self.current).chain(&self.earlier)
    }
}

fn derived(secret: &hkdf::Prk, purpose: Purpose) -> [u8; 32] {
    let mut key = [0; 32];
    let filled = secret
        .expand(&[purpose.info()], hkdf::HKDF_SHA256)
        .and_then(|output| output.fill(&mut key));
    // HKDF-SHA-256 yields up to 8,160 bytes; it cannot refuse to yield 32. If it
    // ever did, a key of zeros must not be what everything is encrypted with.
    if filled.is_err() {
        std::process::abort();
    }
    key
}

fn aead_key(secret: &hkdf::Prk, purpose: Purpose) -> LessSafeKey {
    match UnboundKey::new(&AES_256_GCM, &derived(secret, purpose)) {
        Ok(key) => LessSafeKey::new(key),
        // Refused only when the key is not of 32 bytes, which its type proves.
        Err(_) => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(current: &str, earlier: &[&str]) -> AppSecret {
        let earlier: Vec<_> = earlier.iter().map(|secret| Secret::new(*secret)).collect();
        AppSecret::new(&Secret::new(current), &earlier)
    }

    #[test]
    fn what_is_sealed_opens_only_as_what_it_is() {
        let secret = app("one", &[]);
        let sealed = secret.seal(Purpose::OAuthAttempt, "a", b"hello");
        assert_eq!(secret.open(Purpose::OAuthAttempt, "a", &sealed), Ok(b"hello".to_vec()));
        assert_eq!(secret.open(Purpose::OAuthAttempt, "b", &sealed), Err(CannotOpen));
        assert_eq!(secret.open(Purpose::SigningKey, "a", &sealed), Err(CannotOpen));
        assert_eq!(app("two", &[]).open(Purpose::OAuthAttempt, "a", &sealed), Err(CannotOpen));
        assert_eq!(
            app("two", &["one"]).open(Purpose::OAuthAttempt, "a", &sealed),
            Ok(b"hello".to_vec())
        );
        assert_ne!(sealed, secret.seal(Purpose::OAuthAttempt, "a", b"hello"));
    }

    #[test]
    fn an_altered_text_does_not_open() {
        let secret = app("one", &[]);
        let sealed = secret.seal(Purpose::OAuthAttempt, "", b"hello");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8_lossy(&altered);
            assert_eq!(secret.open(Purpose::OAuthAttempt, "", &altered), Err(CannotOpen));
            assert_eq!(secret.open(Purpose::OAuthAttempt, "", &sealed[..at]), Err(CannotOpen));
        }
        assert_eq!(secret.open(Purpose::OAuthAttempt, "", "no base64!"), Err(CannotOpen));
    }

    #[test]
    fn a_secret_has_a_name() {
        assert_eq!(app("one", &[]).key_id(), app("one", &["two"]).key_id());
        assert_ne!(app("one", &[]).key_id(), app("two", &["one"]).key_id());
        assert_eq!(app("one", &[]).key_id().len(), 12);
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        assert_eq!(
            format!("{:?} {:?}", Secret::new("hush"), app("hush", &["hush"])),
            "[secret] AppSecret[2]"
        );
    }
}
