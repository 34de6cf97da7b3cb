//! What was sent and what came back: once to judge, and once, shortened, to show.

use http::StatusCode;

use crate::agent::{Answer, Call};

/// The domain of every made-up address (RFC 2606 §2): e-mail to it arrives nowhere.
pub const DOMAIN: &str = "lab.invalid";

/// A run of this many characters that could be a secret is cut; 128 bits of
/// base64url are 22.
const SECRET_FROM: usize = 20;

const LONGEST_WORD: usize = 48;

const KEPT: usize = 8;

const MAX_SHOWN: usize = 600;

/// What the judge looks at.
impl Answer {
    fn code(&self) -> Option<&str> {
        self.header("x-error-code")
    }

    pub(super) fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code() == Some(code)
    }

    /// Every value of a header; nothing when there is none.
    pub(super) fn values(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn member(&self, name: &str) -> Option<String> {
        self.json()[name].as_str().map(str::to_owned)
    }

    pub(super) fn holds(&self, text: &str) -> bool {
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
    pub fn of(role: Role, note: &str, call: &Call, cookies: Option<&str>, answer: &Answer) -> Self {
        let mut sent: Vec<_> = call
            .headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), shortened(&String::from_utf8_lossy(value.as_bytes())))
            })
            .collect();
        sent.extend(cookies.map(|cookies| ("cookie".to_owned(), shortened(cookies))));
        let url = shortened(call.url.as_str());
        let is_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
        let said = if is_json { answer.text() } else { String::new() };
        Self {
            role,
            note: note.to_owned(),
            asked: format!("{} {url}", call.method),
            sent,
            body: cut(&shortened(&String::from_utf8_lossy(&call.body))),
            answered: answer.line(),
            headers: shown_headers(answer),
            said: cut(&shortened(&said)),
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
}
