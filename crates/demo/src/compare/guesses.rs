//! "Quiz me first": a visitor's guesses, in a cookie. Verdicts are only hidden while it exists.

use std::collections::BTreeMap;

use latchkey_domain::Span;
use latchkey_lab::Verdict;
use tower_sessions::cookie::Cookie;

use latchkey_web::cookies::CookieProfile;

const COOKIE: &str = "guesses";

const LIFETIME: Span = Span::days(30);

/// The value of the cookie before the first guess.
const NO_GUESSES: &str = "quiz";

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
    /// `None` if the visitor skipped the guess.
    pub(super) const fn label(self) -> Option<&'static str> {
        match self {
            Self::True => Some("true"),
            Self::TrueIf => Some("it depends"),
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

/// The guesses by claim number; `None` outside a quiz.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guesses(Option<BTreeMap<u8, Guess>>);

impl Guesses {
    /// Ignores invalid entries of the cookie.
    pub(super) fn of(headers: &http::HeaderMap, cookies: &CookieProfile) -> Self {
        Self(cookies.value(headers, COOKIE).map(parse))
    }

    pub(super) const fn is_quiz(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn get(&self, claim: u8) -> Option<Guess> {
        self.0.as_ref()?.get(&claim).copied()
    }

    /// Whether the verdict stays hidden until the visitor guesses.
    pub(super) fn hides(&self, claim: u8) -> bool {
        self.is_quiz() && self.get(claim).is_none()
    }

    /// Adds a guess. Only the first one about a claim counts.
    pub(super) fn with(mut self, claim: u8, guess: Guess) -> Self {
        self.0.get_or_insert_default().entry(claim).or_insert(guess);
        self
    }

    pub(super) fn cookie(&self, cookies: &CookieProfile) -> Cookie<'static> {
        let pairs = self.0.iter().flatten().map(|(number, guess)| format!("{number}-{guess}"));
        let pairs: Vec<_> = pairs.collect();
        let value = if pairs.is_empty() { NO_GUESSES.to_owned() } else { pairs.join(".") };
        cookies.cookie(COOKIE, value, LIFETIME)
    }

    pub(super) fn removal(cookies: &CookieProfile) -> Cookie<'static> {
        cookies.removal(COOKIE)
    }
}

fn parse(text: &str) -> BTreeMap<u8, Guess> {
    let one = |pair: &str| {
        let (number, guess) = pair.split_once('-')?;
        Some((number.parse().ok()?, guess.parse().ok()?))
    };
    text.split('.').filter_map(one).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_round_trip_through_the_cookie() {
        let guesses =
            Guesses::default().with(3, Guess::True).with(1, Guess::None).with(3, Guess::False);
        let profile = CookieProfile::new(&"http://localhost".parse().unwrap(), "app");
        let cookie = guesses.cookie(&profile);
        assert_eq!(cookie.value(), "1-none.3-true", "the first guess counts");
        assert_eq!(Some(parse(cookie.value())), guesses.0);
        assert!(guesses.hides(2) && !guesses.hides(3) && !Guesses::default().hides(2));
        for invalid in [NO_GUESSES, "", "x", "1-", "-true", "999-true", "1-maybe", "1-true;2-if"] {
            assert_eq!(parse(invalid), BTreeMap::new(), "{invalid}");
        }
    }

    #[test]
    fn guess_is_right_when_matching_the_verdict() {
        let (yes, no) = (Verdict::yes("a"), Verdict::no("a"));
        let only_if = Verdict::only_if("x", "a");
        for (guess, verdict, right) in [
            (Guess::True, &yes, true),
            (Guess::TrueIf, &only_if, true),
            (Guess::False, &no, true),
            (Guess::True, &only_if, false),
            (Guess::None, &yes, false),
        ] {
            assert_eq!(guess.is_right(verdict), right, "{guess:?} {verdict:?}");
        }
    }
}
