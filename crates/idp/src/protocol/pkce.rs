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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn only_its_own_verifier_meets_a_challenge() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(challenge.is_met_by(VERIFIER));
        let other = VERIFIER.replace('d', "e");
        for wrong in ["", CHALLENGE, &VERIFIER[1..], other.as_str()] {
            assert!(!challenge.is_met_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (verifier, met) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("a".repeat(128), true),
            ("a".repeat(129), false),
            (format!("{}+", "a".repeat(43)), false),
        ] {
            let challenge = CodeChallenge(Digest::of(&verifier));
            assert_eq!(challenge.is_met_by(&verifier), met, "{verifier}");
        }
    }

    #[test]
    fn a_challenge_is_32_bytes_in_canonical_base64url() {
        for (value, good) in [
            (CHALLENGE.to_owned(), true),
            (format!("{CHALLENGE}="), false),
            (CHALLENGE[1..].to_owned(), false),
            (CHALLENGE.replace('-', "+"), false),
            // The last character carries four bits; "N" would say the same bytes as "M".
            (CHALLENGE.replace("cM", "cN"), false),
            (String::new(), false),
        ] {
            assert_eq!(CodeChallenge::parse(&value).is_some(), good, "{value}");
        }
    }
}
