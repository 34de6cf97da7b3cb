//! Headers, cookies and credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};

use super::Redactor;
use crate::traces::model::Header;
use crate::traces::text::{Kind, Text};
use latchkey_auth::oauth::attempt::COOKIE_PREFIX;
use latchkey_web::cookies::{REFRESH, SESSION, TOKEN};

/// The headers whose values are shown as they are.
const SHOWN: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "age",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "dnt",
    "expires",
    "host",
    "keep-alive",
    "last-modified",
    "origin",
    "permissions-policy",
    "pragma",
    "priority",
    "referrer-policy",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-storage-access",
    "sec-fetch-user",
    "sec-gpc",
    "server",
    "server-timing",
    "strict-transport-security",
    "te",
    "transfer-encoding",
    "upgrade-insecure-requests",
    "user-agent",
    "vary",
    "x-content-type-options",
    "x-error-code",
    "x-frame-options",
    "x-latchkey-trace",
    "x-oauth-scopes",
    "x-request-id",
];

impl Redactor {
    /// Every header, in order.
    pub(crate) fn headers(&mut self, headers: &HeaderMap) -> Vec<Header> {
        let header = |(name, value): (&HeaderName, &http::HeaderValue)| {
            let value = match value.to_str() {
                Ok(value) => self.header(name.as_str(), value),
                // Not even text.
                Err(_) => {
                    let opaque = String::from_utf8_lossy(value.as_bytes());
                    let letter = self.labels.letter(Kind::Value, &opaque);
                    let length = value.len();
                    Text(vec![crate::traces::text::Piece::Secret {
                        kind: Kind::Value,
                        letter,
                        length,
                    }])
                }
            };
            Header { name: name.as_str().to_owned(), value }
        };
        headers.iter().map(header).collect()
    }

    fn header(&mut self, name: &str, value: &str) -> Text {
        match name {
            "cookie" => self.cookies(value),
            "set-cookie" => self.set_cookie(value),
            "authorization" => self.credentials(value),
            "location" | "referer" => self.url(value),
            name if SHOWN.contains(&name) => Text::plain(value),
            _ => self.bare(Kind::Value, value),
        }
    }

    /// RFC 6265 §4.2: names are shown, values never.
    fn cookies(&mut self, value: &str) -> Text {
        let mut text = Text::default();
        for (at, pair) in value.split(';').enumerate() {
            if at > 0 {
                text.push(";");
            }
            text.append(self.cookie(pair));
        }
        text
    }

    fn cookie(&mut self, pair: &str) -> Text {
        let Some((name, value)) = pair.split_once('=') else {
            return self.bare(Kind::Cookie, pair);
        };
        let mut text = Text::plain(format!("{name}="));
        let base = name.trim();
        let base = base.strip_prefix("__Host-").unwrap_or(base);
        let kind = match base {
            SESSION => Kind::SessionId,
            TOKEN => Kind::AccessToken,
            REFRESH => Kind::RefreshToken,
            _ if base.starts_with(COOKIE_PREFIX) => Kind::Attempt,
            _ => Kind::Cookie,
        };
        text.append(self.bare(kind, value));
        text
    }

    /// RFC 6265 §4.1: the attributes are shown.
    fn set_cookie(&mut self, value: &str) -> Text {
        let (pair, attributes) = match value.split_once(';') {
            Some((pair, attributes)) => (pair, Some(attributes)),
            None => (value, None),
        };
        let mut text = self.cookie(pair);
        for attribute in attributes.into_iter().flat_map(|attributes| attributes.split(';')) {
            const KNOWN: [&str; 7] =
                ["path", "max-age", "expires", "domain", "httponly", "secure", "samesite"];
            text.push(";");
            let name = attribute.split('=').next().unwrap_or_default().trim();
            if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                text.push(attribute);
            } else {
                text.append(self.bare(Kind::Cookie, attribute));
            }
        }
        text
    }

    /// RFC 9110 §11.4: the scheme is shown; of the two that are known, it is
    /// also known what follows.
    fn credentials(&mut self, value: &str) -> Text {
        let Some((scheme, rest)) = value.split_once(' ') else {
            return self.bare(Kind::Value, value);
        };
        let mut text = Text::default();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => {
                text.push(&value[..=scheme.len()]);
                text.append(self.bare(Kind::AccessToken, rest));
            }
            "basic" => {
                text.push(&value[..=scheme.len()]);
                // RFC 7617 §2, and RFC 6749 §2.3.1: both halves are form-encoded.
                let pair = STANDARD.decode(rest).ok().and_then(|pair| String::from_utf8(pair).ok());
                let secret = pair.as_deref().and_then(|pair| pair.split_once(':'));
                let secret = secret.map_or(rest, |(_, secret)| secret);
                let secret = super::decoded(secret).into_owned();
                text.push_piece(self.secret(Kind::ClientSecret, rest, &secret));
            }
            _ => text.append(self.bare(Kind::Value, value)),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, value: &str) -> String {
        let text = Redactor::default().header(name, value);
        assert_eq!(text.len(), value.len(), "{name}: {value}");
        text.to_string()
    }

    #[test]
    fn values_that_are_not_listed_are_not_shown() {
        for (name, value, expected) in [
            ("host", "localhost:3000", "localhost:3000"),
            ("x-api-key", "0123456789abcdef", "redacted-value-A"),
            ("authorization", "Bearer 0123456789abcdef01234567", "Bearer redacted-access-token-A-"),
            ("authorization", "basic YTpiY2RlZmdoaWprbA==", "basic redacted-client-secr"),
            ("authorization", "Digest username=me, response=0", "redacted-value-A--------------"),
            ("authorization", "0123456789abcdef", "redacted-value-A"),
            (
                "cookie",
                "latchkey_session=0123456789abcdef0123456789; x=1",
                "latchkey_session=redacted-session-id-A-----; x=r",
            ),
            ("cookie", "0123456789abcdefghi", "redacted-cookie-A--"),
            (
                "set-cookie",
                "x=0123456789abcdefghi; Path=/; HttpOnly",
                "x=redacted-cookie-A--; Path=/; HttpOnly",
            ),
            ("set-cookie", "x=; Max-Age=0; Odd=12", "x=; Max-Age=0;redacte"),
            ("location", "/x?code=0123456789abcdef", "/x?code=redacted-code-A-"),
            (
                "referer",
                "http://x.test/?password=0123456789abcdef01",
                "http://x.test/?password=redacted-password-",
            ),
        ] {
            assert_eq!(shown(name, value), expected);
        }
    }
}
