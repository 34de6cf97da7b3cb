//! Randomness from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes from the operating system itself: the cryptographic library's
/// generator takes 30 to 50 ms at its first use, which would be somebody's sign-in.
#[expect(
    clippy::expect_used,
    reason = "without randomness every secret would be guessable, and no caller could go on"
)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has no randomness");
    bytes
}

/// A token of 256 random bits, base64url without padding: 43 characters.
///
/// Long enough for everything here: `state` and `nonce` (RFC 6749 §10.10 asks
/// for 128 bits), and a PKCE verifier (RFC 7636 §4.1: 43 characters).
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (super::token(), super::token());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }
}
