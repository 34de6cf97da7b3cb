//! What was sent and what came back: once to judge, and once, shortened, to show.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::agent::{Answer, Call};

/// The domain of every made-up address (RFC 2606 §2): e-mail to it arrives nowhere.
pub const DOMAIN: &str = "lab.invalid";

/// A run of this many characters that could be a secret is cut; 128 bits of
/// base64url are 22.
const SECRET_FROM: usize = 20;

const LONGEST_WORD: usize = 48;

const KEPT: usize = 8;

/// How much of a body is shown.
const MAX_SHOWN: usize = 600;

/// An answer, as the judge sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub status: u16,
    pub code: Option<String>,
    pub location: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub took: Duration,
}

impl Seen {
    pub fn of(answer: &Answer) -> Self {
        let header = |name| answer.header(name).map(str::to_owned);
        Self {
            status: answer.status.as_u16(),
            code: header("x-error-code"),
            location: header("location"),
            headers: joined(&answer.headers),
            body: answer.text(),
            took: answer.took,
        }
    }

    pub(super) fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code.as_deref() == Some(code)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn member(&self, name: &str) -> Option<String> {
        let document: Value = serde_json::from_str(&self.body).ok()?;
        document.get(name)?.as_str().map(str::to_owned)
    }

    /// A parameter of the URL that it redirects to.
    pub(super) fn in_location(&self, name: &str) -> Option<String> {
        let base = Url::parse("http://localhost/").ok()?;
        let url = base.join(self.location.as_deref()?).ok()?;
        url.query_pairs().find(|(one, _)| one == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        self.body.contains(text) || self.headers.iter().any(|(_, value)| value.contains(text))
    }

    pub(super) fn without_identity(&self) -> (u16, Option<&str>, Option<&str>, String) {
        let words = self.body.split_inclusive(|c: char| c.is_whitespace() || "\"<>".contains(c));
        let body = words.filter(|word| !word.contains(DOMAIN)).collect();
        (self.status, self.code.as_deref(), self.location.as_deref(), body)
    }

    /// Status and code, or status and place.
    pub fn line(&self) -> String {
        match (&self.code, &self.location) {
            (Some(code), _) => format!("{} {code}", self.status),
            (None, Some(location)) => format!("{}, to {}", self.status, shortened(location)),
            (None, None) => self.status.to_string(),
        }
    }
}

fn joined(headers: &HeaderMap) -> Vec<(String, String)> {
    let all = headers.keys().map(|name| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        (name.as_str().to_owned(), values.collect::<Vec<_>>().join(", "))
    });
    all.collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The attack itself, or a look at what came of it.
    Attack,
    /// The same without the attack: it has to succeed.
    Control,
}

/// One exchange as it is shown, without secrets.
#[derive(Clone, Debug)]
pub struct Step {
    pub role: Role,
    pub note: String,
    pub asked: String,
    pub sent: Vec<(String, String)>,
    pub body: String,
    pub answered: String,
    pub headers: Vec<(String, String)>,
    pub said: String,
}

impl Step {
    /// What is shown of a call and its answer.
    pub fn of(role: Role, note: &str, call: &Call, cookies: Option<&str>, seen: &Seen) -> Self {
        let mut sent: Vec<_> = call
            .headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), shortened(&String::from_utf8_lossy(value.as_bytes())))
            })
            .collect();
        sent.extend(cookies.map(|cookies| ("cookie".to_owned(), shortened(cookies))));
        let url = shortened(call.url.as_str());
        let json = seen.header("content-type").filter(|kind| kind.contains("json"));
        Self {
            role,
            note: note.to_owned(),
            asked: format!("{} {url}", call.method),
            sent,
            body: cut(&shortened(&String::from_utf8_lossy(&call.body))),
            answered: seen.line(),
            headers: shown_headers(seen),
            said: json.map_or_else(String::new, |_| cut(&shortened(&seen.body))),
        }
    }
}

fn shown_headers(seen: &Seen) -> Vec<(String, String)> {
    const SHOWN: [&str; 10] = [
        "location",
        "x-error-code",
        "www-authenticate",
        "retry-after",
        "set-cookie",
        "allow",
        "cache-control",
        "content-security-policy",
        "access-control-allow-origin",
        "content-type",
    ];
    let found = SHOWN
        .iter()
        .filter_map(|name| seen.header(name).map(|value| ((*name).to_owned(), shortened(value))));
    found.collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_SHOWN {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MAX_SHOWN).collect();
    format!("{kept}… ({} characters)", text.chars().count())
}

/// Cuts everything that is long enough to be a secret: tokens, codes, states,
/// cookies, passwords.
pub(super) fn shortened(text: &str) -> String {
    let ends_a_run = |c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c);
    let cut = |text: &str| {
        let run = text.trim_end_matches(ends_a_run);
        // Words of our own have no digits and no capitals, and are no secrets.
        let is_word = run.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c));
        if run.len() < SECRET_FROM || (is_word && run.len() < LONGEST_WORD) {
            return text.to_owned();
        }
        format!("{}…{}", &run[..KEPT], &text[run.len()..])
    };
    text.split_inclusive(ends_a_run).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cut_and_words_are_not() {
        for (text, shown) in [
            ("Bearer eyJhbGciOiJFZERTQSIsImtpZCI6.abc", "Bearer eyJhbGci….abc"),
            ("latchkey_session=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6", "latchkey_session=Zm9vYmFy…"),
            ("provider_response_invalid", "provider_response_invalid"),
            ("password=0123456789abcdef0123456789abcdef", "password=01234567…"),
            ("latchkey_session=8jAF6-SBl6OgCX1_arDqSQ", "latchkey_session=8jAF6-SB…"),
            ("short", "short"),
        ] {
            assert_eq!(shortened(text), shown);
        }
        assert!(!shortened(&"a".repeat(100)).contains(&"a".repeat(20)));
    }

    #[test]
    fn made_up_addresses_do_not_count() {
        let told = |email: &str| Seen {
            status: 401,
            body: format!("<input value=\"{email}\">No."),
            ..Seen::default()
        };
        let (one, other) = (told("lab-1@lab.invalid"), told("lab-22@lab.invalid"));
        assert_eq!(one.without_identity(), other.without_identity());
        assert_ne!(one.without_identity(), told("x@example.test").without_identity());
    }
}
