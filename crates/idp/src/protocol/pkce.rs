//! Proof Key for Code Exchange, RFC 7636, method S256 and no other.

use crate::kit::Digest;

/// `BASE64URL(SHA256(code_verifier))`, RFC 7636 §4.2.
///
/// An authorization always holds one, so a verifier without a challenge cannot occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(Digest);

impl CodeChallenge {
    /// Reads `code_challenge`: exactly 32 bytes, in the one base64url spelling they have.
    pub fn parse(value: &str) -> Option<Self> {
        Digest::from_base64url(value).map(Self)
    }

    /// RFC 7636 §4.6.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        is_verifier(verifier) && self.0.matches(&Digest::of(verifier))
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(value: &str) -> bool {
    (43..=128).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}
