//! Removes the secrets from messages, by the allow list in [`rules`](super::rules). Every text
//! keeps its length.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Version};
use latchkey_auth::oauth::attempt::{PENDING_COOKIE, USED_COOKIE};
use serde_json::Value;

use super::json::{Token, tokens, unescaped};
use super::model::{Body, Header, Message};
use super::rules::{Location, cookie_kind, secret_kind};
use super::text::{Kind, Labels, Mark, Segment, Text, placeholder};

/// The characters shown of a `state`, `nonce` or challenge: enough to compare two by eye, and few
/// of their 256 bits.
const PREFIX_LENGTH: usize = 6;

/// Of a larger body, only the size is stored.
const MAX_BODY: usize = 16 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    labels: Labels,
}

impl Redactor {
    fn headers(&mut self, headers: &HeaderMap) -> Vec<Header> {
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let text = value.to_str().map(|value| self.header(name.as_str(), value));
            let value = text.unwrap_or_else(|_| {
                let text = String::from_utf8_lossy(value.as_bytes());
                Segment::secret(self.labels.mark(Kind::Value, &text), value.len()).into()
            });
            Header { name: name.as_str().to_owned(), value }
        };
        headers.iter().map(header).collect()
    }

    fn header(&mut self, name: &str, value: &str) -> Text {
        match name {
            "cookie" => self.split_list(value, ';', Self::cookie),
            "set-cookie" => self.set_cookie(value),
            "authorization" => self.authorization(value),
            "location" | "referer" => self.url(value),
            name => self.value_of(Location::Header, name, value),
        }
    }

    /// An unencoded value: plain if its name is on the allow list.
    fn value_of(&mut self, location: Location, name: &str, value: &str) -> Text {
        secret_kind(location, name).map_or_else(|| value.into(), |kind| self.secret(kind, value))
    }

    fn split_list(&mut self, list: &str, by: char, part: fn(&mut Self, &str) -> Text) -> Text {
        let mut text = Text::default();
        for (at, one) in list.split(by).enumerate() {
            if at > 0 {
                text.append(&*by.encode_utf8(&mut [0; 4]));
            }
            text.append(part(self, one));
        }
        text
    }

    /// RFC 6265 §4.2: shows the name, never the value. An attempt's name contains part of a state.
    fn cookie(&mut self, pair: &str) -> Text {
        let Some((name, value)) = pair.split_once('=') else {
            return self.secret(Kind::Cookie, pair);
        };
        let kind = cookie_kind(name);
        let attempts =
            [PENDING_COOKIE, USED_COOKIE].map(|prefix| Some((prefix, name.split_once(prefix)?)));
        let text = match attempts.into_iter().flatten().next() {
            Some((prefix, (before, of))) if kind == Kind::Attempt => {
                let (of, port) = split(of, '_');
                let text = Text::from(before).then(prefix);
                let text = text.then(self.secret(Kind::AttemptName, of));
                port.into_iter().fold(text, |text, port| text.then("_").then(port))
            }
            _ => name.into(),
        };
        text.then("=").then(self.secret(kind, value))
    }

    /// RFC 6265 §4.1: a cookie pair and attributes.
    fn set_cookie(&mut self, value: &str) -> Text {
        let (pair, attributes) = split(value, ';');
        let text = self.cookie(pair);
        let Some(attributes) = attributes else { return text };
        text.then(";").then(self.split_list(attributes, ';', |redactor, attribute| {
            let name = split(attribute, '=').0.trim().to_ascii_lowercase();
            redactor.value_of(Location::Attribute, &name, attribute)
        }))
    }

    /// RFC 9110 §11.4: shows the scheme if it is a known one.
    fn authorization(&mut self, value: &str) -> Text {
        let Some((scheme, rest)) = value.split_once(' ') else {
            return self.secret(Kind::Value, value);
        };
        let scheme_and_space = Text::from(&value[..=scheme.len()]);
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => scheme_and_space.then(self.secret(Kind::AccessToken, rest)),
            "basic" => {
                // RFC 7617 §2 with form-encoded halves (RFC 6749 §2.3.1).
                let pair = STANDARD.decode(rest).ok().and_then(|pair| String::from_utf8(pair).ok());
                let secret = pair.as_deref().and_then(|pair| pair.split_once(':'));
                let secret = secret.map_or(rest, |(_, secret)| secret);
                let secret = self.secret_segment(Kind::ClientSecret, rest, &form_decode(secret));
                scheme_and_space.then(secret)
            }
            _ => self.secret(Kind::Value, value),
        }
    }

    /// With or without an origin.
    pub(crate) fn url(&mut self, url: &str) -> Text {
        let (rest, fragment) = split(url, '#');
        let (path, query) = split(rest, '?');
        let mut text = self.path(path);
        if let Some(query) = query {
            text = text.then("?").then(self.form(query));
        }
        if let Some(fragment) = fragment {
            text = text.then("#").then(self.secret(Kind::Value, fragment));
        }
        text
    }

    /// Everything before the query. Links in e-mails contain a token, an authority may contain a
    /// password.
    fn path(&mut self, path: &str) -> Text {
        let (scheme, rest) = path.split_at(path.find("://").map_or(0, |at| at + 3));
        let mut text = Text::from(scheme);
        let authority = rest.split('/').next().unwrap_or_default();
        let rest = match authority.rsplit_once('@') {
            Some((user, _)) => {
                text.append(self.secret(Kind::Value, user));
                &rest[user.len()..]
            }
            None => rest,
        };
        for before in ["/reset/", "/verify/"] {
            if let Some((start, token)) = rest.split_once(before) {
                return text.then(start).then(before).then(self.secret(Kind::Value, token));
            }
        }
        text.then(rest)
    }

    fn form(&mut self, form: &str) -> Text {
        self.split_list(form, '&', Self::parameter)
    }

    fn parameter(&mut self, pair: &str) -> Text {
        let (name, Some(value)) = split(pair, '=') else {
            // Without a name, the value is unknown.
            return self.secret(Kind::Value, pair);
        };
        let text = Text::from(name).then("=");
        let decoded = form_decode(value);
        // `next` is a URL, which may contain secrets.
        let is_sensitive = name == "next" && decoded.contains(['?', '#', '@'])
            || decoded.starts_with("/reset/")
            || decoded.starts_with("/verify/");
        match secret_kind(Location::Parameter, &form_decode(name)) {
            None if is_sensitive => text.then(self.secret(Kind::Value, value)),
            None => text.then(value),
            Some(_) if value.is_empty() => text,
            Some(kind) => text.then(self.secret_segment(kind, value, &decoded)),
        }
    }

    pub(crate) fn message(
        &mut self,
        version: Version,
        head: usize,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Message {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text(CONTENT_TYPE).unwrap_or_default();
        let body = match body {
            Some(bytes) => self.body(content_type, bytes),
            None => Body {
                size: text(CONTENT_LENGTH).and_then(|size| size.parse().ok()),
                ..self.body(content_type, b"")
            },
        };
        let version = match version {
            Version::HTTP_2 => "HTTP/2.0".to_owned(),
            other => format!("{other:?}"),
        };
        Message { version, headers: self.headers(headers), head, body }
    }

    /// Keeps the text of forms and JSON, and only the size of anything else.
    fn body(&mut self, content_type: &str, bytes: &[u8]) -> Body {
        let essence = content_type.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        let text = std::str::from_utf8(bytes).ok();
        let text = text.filter(|text| !text.is_empty() && text.len() <= MAX_BODY);
        let text = match essence.as_str() {
            "application/x-www-form-urlencoded" => text.map(|text| self.form(text)),
            json if json == "application/json" || json.ends_with("+json") => {
                text.and_then(|text| self.json(text))
            }
            _ => None,
        };
        Body { size: Some(bytes.len()), content_type: essence, text }
    }

    /// `None` if it is not valid JSON.
    fn json(&mut self, json: &str) -> Option<Text> {
        let mut text = Text::default();
        for (member, token) in tokens(json)? {
            let kind =
                member.map_or(Some(Kind::Value), |name| secret_kind(Location::Member, &name));
            match (token, kind) {
                (Token::Structure(part), _) | (Token::Number(part), None) => text.append(part),
                (Token::String(""), _) => {}
                // A URL may contain a secret in its query.
                (Token::String(raw), None) if raw.contains("://") && unescaped(raw) == raw => {
                    text.append(self.url(raw));
                }
                (Token::String(raw), None) => text.append(raw),
                (Token::String(raw), Some(kind)) => {
                    text.append(self.secret_segment(kind, raw, &unescaped(raw)));
                }
                // A secret number becomes a string of the same length.
                (Token::Number(raw), Some(_)) if raw.len() < 2 => text.append("0"),
                (Token::Number(raw), Some(kind)) => {
                    text.append("\"");
                    text.append(Segment::secret(self.labels.mark(kind, raw), raw.len() - 2));
                    text.append("\"");
                }
            }
        }
        Some(text)
    }

    /// `raw` is the secret as encoded on the wire, `value` its decoded form.
    fn secret_segment(&mut self, kind: Kind, raw: &str, value: &str) -> Segment {
        let mark = self.labels.mark(kind, value);
        let length = raw.len();
        match kind {
            Kind::State | Kind::Nonce | Kind::Challenge if value.len() >= 4 * PREFIX_LENGTH => {
                Segment::Secret { mark, prefix: visible_prefix(value), length }
            }
            Kind::AccessToken | Kind::IdToken => {
                self.jwt(mark, raw).unwrap_or(Segment::secret(mark, length))
            }
            _ => Segment::secret(mark, length),
        }
    }

    /// A secret that is not encoded.
    fn secret(&mut self, kind: Kind, value: &str) -> Text {
        if value.is_empty() {
            Text::default()
        } else {
            self.secret_segment(kind, value, value).into()
        }
    }

    /// A signed JWT (RFC 7515 §3.1) without its signature: readable, but of no use. `None` if
    /// `token` is not one.
    fn jwt(&mut self, mark: Mark, token: &str) -> Option<Segment> {
        let (signed, signature) = token.rsplit_once('.').filter(|(_, it)| !it.is_empty())?;
        let (header, payload) = signed.split_once('.')?;
        let read = |part: &str| {
            let json = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Value>(&json).ok().filter(Value::is_object)
        };
        read(header)?.get("alg")?;
        let claims = read(payload)?;
        let nonce =
            claims.get("nonce").and_then(Value::as_str).filter(|n| n.len() >= 4 * PREFIX_LENGTH);
        let nonce = nonce.map(|nonce| (nonce, self.labels.mark(Kind::Nonce, nonce)));
        Some(Segment::Jwt {
            mark,
            header: header.to_owned(),
            payload: match nonce {
                Some((nonce, mark)) => with_short_nonce(payload, nonce, mark)?,
                None => payload.to_owned(),
            },
            signature: signature.len(),
            nonce: nonce.map(|(_, mark)| mark.label),
        })
    }
}

fn visible_prefix(secret: &str) -> String {
    secret.chars().take(PREFIX_LENGTH).filter(char::is_ascii).collect()
}

/// Shows the same part of the nonce as in the authorization request.
fn with_short_nonce(payload: &str, nonce: &str, mark: Mark) -> Option<String> {
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let shown = placeholder(&visible_prefix(nonce), mark, nonce.len());
    Some(URL_SAFE_NO_PAD.encode(json.replace(nonce, &shown)))
}

/// Decodes `+` and `%…` in one name or value.
fn form_decode(raw: &str) -> Cow<'_, str> {
    let mut pairs = url::form_urlencoded::parse(raw.as_bytes());
    // There is no `=` or `&` in it, so it parses as one name.
    pairs.next().map_or(Cow::Borrowed(raw), |(value, _)| Cow::Owned(value.into_owned()))
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `redacted.txt`: headers, URLs and JSON documents, each with its redacted form.
    #[test]
    fn redaction_keeps_length_and_shows_only_listed_values() {
        for case in include_str!("redacted.txt").split("\n\n") {
            let (given, shown) = case.trim_end().split_once("\n ->").expect(case);
            let (kind, given) = given.split_once(": ").expect(case);
            let mut redactor = Redactor::default();
            let text = match kind {
                "url" => redactor.url(given),
                "json" => redactor.json(given).expect(case),
                header => redactor.header(header, given),
            };
            assert_eq!(text.to_string(), shown.trim_start());
            assert_eq!(text.len(), given.len(), "{case}");
            assert_eq!(shown.trim_start().len(), given.len(), "{case}");
        }
        assert_eq!(Redactor::default().json("{"), None);
    }

    #[test]
    fn redacted_jwt_keeps_claims_but_not_signature() {
        let nonce = "n0nce-0123456789012345678901234567890123456";
        let claims = format!(r#"{{"sub":"ada","nonce":"{nonce}"}}"#);
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let token = format!(
            "{}.{}.{}",
            encode(r#"{"alg":"RS256"}"#),
            encode(&claims),
            "s1gn4ture".repeat(30)
        );
        let shown = Redactor::default().secret(Kind::IdToken, &token);
        assert_eq!(shown.len(), token.len());
        let text = shown.to_string();
        assert!(!text.contains("s1gn4ture") && text.contains(".redacted-signature-A---"));
        let payload = text.split('.').nth(1).expect("a payload");
        let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
        let claims: Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(claims["sub"], "ada");
        assert!(claims["nonce"].as_str().is_some_and(|n| n.starts_with("n0nce--nonce-A-")));
    }

    #[test]
    fn opaque_and_unsigned_tokens_are_fully_redacted() {
        for token in
            ["gho_0123456789", "a.b.c", "e30.e30.c", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30."]
        {
            let shown = Redactor::default().secret(Kind::AccessToken, token);
            assert!(matches!(shown.0[..], [Segment::Secret { .. }]), "{token}");
        }
    }
}
