//! What somebody guessed before they saw the answer, in a cookie of their own.

use std::collections::BTreeMap;

use latchkey_domain::Span;
use latchkey_lab::Verdict;
use tower_sessions::cookie::Cookie;

use latchkey_web::cookies::CookieProfile;

const COOKIE: &str = "latchkey_guesses";

/// How long a guess is remembered.
const REMEMBERED: Span = Span::days(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Guess {
    True,
    #[strum(serialize = "if")]
    TrueIf,
    False,
    None,
}

impl Guess {
    /// What was said, for the page; nothing when nothing was.
    pub(super) const fn said(self) -> Option<&'static str> {
        match self {
            Self::True => Some("true"),
            Self::TrueIf => Some("true if…"),
            Self::False => Some("false"),
            Self::None => None,
        }
    }

    pub(super) const fn is_right(self, verdict: &Verdict) -> bool {
        matches!(
            (self, verdict),
            (Self::True, Verdict::True { .. })
                | (Self::TrueIf, Verdict::TrueIf { .. })
                | (Self::False, Verdict::False { .. })
        )
    }
}

/// All guesses of one browser, by the number of the claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guesses(BTreeMap<u8, Guess>);

impl Guesses {
    /// What the cookie says; what makes no sense in it is nothing.
    pub(super) fn of(headers: &http::HeaderMap, cookies: CookieProfile) -> Self {
        cookies.value(headers, COOKIE).map(Self::parse).unwrap_or_default()
    }

    fn parse(text: &str) -> Self {
        let one = |pair: &str| {
            let (number, guess) = pair.split_once('-')?;
            Some((number.parse().ok()?, guess.parse().ok()?))
        };
        Self(text.split('.').filter_map(one).take(64).collect())
    }

    pub(super) fn about(&self, claim: u8) -> Option<Guess> {
        self.0.get(&claim).copied()
    }

    /// With one more guess. The first one counts: afterwards it is no guess.
    pub(super) fn with(mut self, claim: u8, guess: Guess) -> Self {
        self.0.entry(claim).or_insert(guess);
        self
    }

    pub(super) fn cookie(&self, cookies: CookieProfile) -> Cookie<'static> {
        let pairs: Vec<_> =
            self.0.iter().map(|(number, guess)| format!("{number}-{guess}")).collect();
        cookies.cookie(COOKIE, pairs.join("."), REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_come_back_as_they_went() {
        let guesses =
            Guesses::default().with(3, Guess::True).with(1, Guess::None).with(3, Guess::False);
        let profile = CookieProfile::of(&"http://localhost".parse().unwrap());
        let cookie = guesses.cookie(profile);
        assert_eq!(cookie.value(), "1-none.3-true", "the first guess counts");
        assert_eq!(Guesses::parse(cookie.value()), guesses);
        for nonsense in ["", "x", "1-", "-true", "999-true", "1-maybe", "1-true;2-if"] {
            assert_eq!(Guesses::parse(nonsense), Guesses::default(), "{nonsense}");
        }
    }

    #[test]
    fn a_guess_is_right_when_the_word_is() {
        let (yes, no) = (Verdict::yes("a"), Verdict::no("a"));
        let only = Verdict::only_if("a", "b");
        for (guess, right) in [
            (Guess::True, [true, false, false]),
            (Guess::TrueIf, [false, true, false]),
            (Guess::False, [false, false, true]),
            (Guess::None, [false, false, false]),
        ] {
            assert_eq!([&yes, &only, &no].map(|verdict| guess.is_right(verdict)), right);
        }
    }
}
