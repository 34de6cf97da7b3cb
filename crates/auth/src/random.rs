//! Randomness from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// From the operating system: the generator of aws-lc takes 30 to 50 ms at its first use, which
/// would delay a sign-in.
#[expect(clippy::expect_used, reason = "without randomness every secret would be guessable")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has no randomness");
    bytes
}

/// 256 random bits as 43 characters of base64url.
///
/// Long enough for `state` and `nonce` (RFC 6749 §10.10: 128 bits) and for a PKCE code verifier
/// (RFC 7636 §4.1: 43 characters).
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

#[cfg(test)]
mod tests {
    #[test]
    fn random_tokens_are_43_characters_and_differ() {
        let (one, other) = (super::token(), super::token());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }
}
