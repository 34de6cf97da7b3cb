//! Proof Key for Code Exchange, RFC 7636, with the method S256 only.

use crate::kit::Digest;

/// `BASE64URL(SHA256(code_verifier))`, RFC 7636 §4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(Digest);

impl CodeChallenge {
    /// `code_challenge` must be 32 bytes in canonical base64url.
    pub fn parse(value: &str) -> Option<Self> {
        Digest::from_base64url(value).map(Self)
    }

    /// RFC 7636 §4.6.
    pub fn verify(&self, verifier: &str) -> bool {
        is_verifier(verifier) && self.0.matches(&Digest::of(verifier))
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(value: &str) -> bool {
    (43..=128).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}
