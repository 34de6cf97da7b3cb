//! Exchanges: the answers to judge, and steps to show, with secrets shortened.

use http::StatusCode;

use crate::agent::{Answer, Call};

/// The domain of every test address (RFC 2606 §2): e-mail to it is undeliverable.
pub const DOMAIN: &str = "lab.invalid";

/// Longer words are shortened if they could be secrets; 128 bits of base64url have 22 characters.
const MIN_SECRET: usize = 20;

/// Longer words are shortened even if they look like words of a language.
const MAX_WORD: usize = 48;

/// Characters that remain of a secret.
const PREFIX: usize = 8;

const MAX_TEXT: usize = 600;

impl Answer {
    fn code(&self) -> Option<&str> {
        self.header("x-error-code")
    }

    pub(super) fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code() == Some(code)
    }

    /// All values of a header, joined; empty if there are none.
    pub(super) fn values(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(", ")
    }

    /// A string in the JSON body, such as `items/0/id`.
    pub(super) fn member(&self, path: &str) -> Option<String> {
        self.json().pointer(&format!("/{path}"))?.as_str().map(str::to_owned)
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        let is_in = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        is_in(&self.body) || self.headers.values().any(|value| is_in(value.as_bytes()))
    }

    pub(super) fn without_identity(&self) -> (StatusCode, Option<&str>, Option<&str>, String) {
        let text = self.text();
        let words = text.split_inclusive(|c: char| c.is_whitespace() || "\"<>".contains(c));
        let body = words.filter(|word| !word.contains(DOMAIN)).collect();
        (self.status, self.code(), self.header("location"), body)
    }

    pub fn line(&self) -> String {
        let status = self.status.as_u16();
        match (self.code(), self.header("location")) {
            (Some(code), _) => format!("{status} {code}"),
            (None, Some(location)) => format!("{status}, to {}", shortened(location)),
            (None, None) => status.to_string(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The attack itself, or a request that shows its effect.
    Attack,
    /// The request without the attack, which must succeed.
    Control,
}

/// One exchange, without secrets.
#[derive(Clone, Debug)]
pub struct Step {
    pub role: Role,
    pub note: String,
    pub request_line: String,
    pub request_headers: Vec<(String, String)>,
    pub request_body: String,
    pub status_line: String,
    pub response_headers: Vec<(String, String)>,
    pub response_body: String,
}

impl Step {
    pub fn of(role: Role, note: &str, call: &Call, cookies: Option<&str>, answer: &Answer) -> Self {
        let mut request_headers: Vec<_> = call
            .headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), shortened(&String::from_utf8_lossy(value.as_bytes())))
            })
            .collect();
        request_headers.extend(cookies.map(|cookies| ("cookie".to_owned(), shortened(cookies))));
        let url = shortened(call.url.as_str());
        let is_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
        let text = if is_json { answer.text() } else { String::new() };
        Self {
            role,
            note: note.to_owned(),
            request_line: format!("{} {url}", call.method),
            request_headers,
            request_body: truncated(&shortened(&String::from_utf8_lossy(&call.body))),
            status_line: answer.line(),
            response_headers: shown_headers(answer),
            response_body: truncated(&shortened(&text)),
        }
    }
}

fn shown_headers(answer: &Answer) -> Vec<(String, String)> {
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
    let found = SHOWN.iter().filter(|name| answer.headers.contains_key(**name));
    found.map(|name| ((*name).to_owned(), shortened(&answer.values(name)))).collect()
}

fn truncated(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MAX_TEXT).collect();
    format!("{kept}… ({} characters)", text.chars().count())
}

/// Shortens everything that could be a secret: tokens, codes, states, cookies, passwords.
pub(super) fn shortened(text: &str) -> String {
    let is_separator = |c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c);
    let shorten = |text: &str| {
        let word = text.trim_end_matches(is_separator);
        // Error codes and words have neither digits nor capitals.
        let is_plain = word.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c));
        if word.len() < MIN_SECRET || (is_plain && word.len() < MAX_WORD) {
            return text.to_owned();
        }
        format!("{}…{}", &word[..PREFIX], &text[word.len()..])
    };
    text.split_inclusive(is_separator).map(shorten).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_secrets_are_shortened_but_words_are_not() {
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
}
