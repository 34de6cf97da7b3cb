//! Which letter a secret has in one trace.

use latchkey_auth::random;
use latchkey_store::hash;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use super::text::{Kind, Letter};

/// How long a code verifier is (RFC 7636 §4.1).
const VERIFIER: std::ops::RangeInclusive<usize> = 43..=128;

/// The secrets that were seen so far, as salted hashes, and their letters. It
/// lives in memory for as long as the sign-in takes, and is never written down.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    salt: String,
    seen: Vec<(Kind, String, Letter)>,
}

impl Default for Labels {
    fn default() -> Self {
        Self { salt: random::token(), seen: Vec::new() }
    }
}

impl Labels {
    /// The letter of this secret: its own, or, for a code verifier, that of the
    /// code challenge that was made of it (RFC 7636 §4.2).
    pub(crate) fn letter(&mut self, kind: Kind, secret: &str) -> Letter {
        let mark = self.mark(secret);
        if let Some(letter) = self.find(kind, &mark) {
            return letter;
        }
        let of_challenge = match kind {
            Kind::Verifier => challenge(secret)
                .and_then(|challenge| self.find(Kind::Challenge, &self.mark(&challenge))),
            _ => None,
        };
        let next = self.seen.iter().filter(|(other, ..)| *other == kind).count();
        let letter = of_challenge.unwrap_or(Letter(u16::try_from(next).unwrap_or(u16::MAX)));
        self.seen.push((kind, mark, letter));
        letter
    }

    fn mark(&self, secret: &str) -> String {
        hash::of(&format!("{}{secret}", self.salt))
    }

    fn find(&self, kind: Kind, mark: &str) -> Option<Letter> {
        let mut seen = self.seen.iter();
        seen.find(|(other, of, _)| *other == kind && of == mark).map(|(.., letter)| *letter)
    }
}

fn challenge(verifier: &str) -> Option<String> {
    if !VERIFIER.contains(&verifier.len()) {
        return None;
    }
    let verifier = PkceCodeVerifier::new(verifier.to_owned());
    Some(PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_secret_has_the_same_letter_and_a_verifier_that_of_its_challenge() {
        let mut labels = Labels::default();
        // RFC 7636, appendix B.
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        for (kind, secret, letter) in [
            (Kind::Code, "one", 0),
            (Kind::Code, "other", 1),
            (Kind::Code, "one", 0),
            (Kind::State, "one", 0),
            (Kind::Challenge, "somebody else's", 0),
            (Kind::Challenge, challenge, 1),
            (Kind::Verifier, verifier, 1),
        ] {
            assert_eq!(labels.letter(kind, secret), Letter(letter), "{kind:?} {secret}");
        }
    }
}
