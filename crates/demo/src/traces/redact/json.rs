//! JSON documents, redacted where they stand: not a byte moves.

use serde_json::Value;

use super::Redactor;
use crate::traces::text::{Kind, Piece, Text};

/// The members whose values are shown.
const SHOWN: &[&str] = &[
    // Discovery (Discovery §3, RFC 8414 §2).
    "issuer",
    "jwks_uri",
    "op_policy_uri",
    "op_tos_uri",
    "service_documentation",
    // RFC 9728 §4.
    "protected_resources",
    // Keys (RFC 7517 §4, RFC 7518 §6): the public members alone.
    "kty",
    "kid",
    "use",
    "alg",
    "crv",
    "key_ops",
    "n",
    "e",
    "x",
    "y",
    // The token response (RFC 6749 §5.1).
    "token_type",
    "expires_in",
    "refresh_token_expires_in",
    "scope",
    "error",
    // Standard claims (OpenID Connect Core §5.1).
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "email",
    "email_verified",
    "picture",
    "locale",
    "zoneinfo",
    "updated_at",
    "hd",
    // GitHub's and Facebook's profiles.
    "id",
    "login",
    "type",
    "site_admin",
    "primary",
    "verified",
    "visibility",
    "avatar_url",
    "html_url",
    "created_at",
];

/// What the value of a member is; `None` when it may be shown.
fn member(name: &str) -> Option<Kind> {
    if SHOWN.contains(&name) || name.ends_with("_supported") || name.ends_with("_endpoint") {
        return None;
    }
    Some(match name {
        "access_token" => Kind::AccessToken,
        "refresh_token" => Kind::RefreshToken,
        "id_token" => Kind::IdToken,
        "state" => Kind::State,
        "nonce" => Kind::Nonce,
        "code" => Kind::Code,
        _ => Kind::Value,
    })
}

impl Redactor {
    /// A document; `None` when it is not JSON.
    pub(super) fn json(&mut self, json: &str) -> Option<Text> {
        // From here on it is known to be well formed.
        serde_json::from_str::<Value>(json).ok()?;
        let mut text = Text::default();
        // The names that lead to where we are: an array has its member's.
        let mut path = vec![Level { is_object: false, kind: Some(Kind::Value) }];
        let mut rest = json;
        while let Some(c) = rest.chars().next() {
            let taken = match c {
                '"' => {
                    let end = end_of_string(rest);
                    let raw = &rest[1..end];
                    let level = path.last_mut()?;
                    if level.is_object && rest[end + 1..].trim_start().starts_with(':') {
                        level.kind = member(&meaning(raw));
                        text.push(&rest[..=end]);
                    } else {
                        let kind = level.kind;
                        text.push("\"");
                        self.json_string(&mut text, kind, raw);
                        text.push("\"");
                    }
                    end + 1
                }
                '{' | '[' => {
                    let kind = path.last()?.kind;
                    path.push(Level { is_object: c == '{', kind });
                    text.push(&rest[..1]);
                    1
                }
                '}' | ']' => {
                    path.pop();
                    text.push(&rest[..1]);
                    1
                }
                '-' | '0'..='9' => {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
                    let end = end.unwrap_or(rest.len());
                    match path.last()?.kind {
                        Some(kind) => self.json_number(&mut text, kind, &rest[..end]),
                        None => text.push(&rest[..end]),
                    }
                    end
                }
                // `true`, `false`, `null`, commas, colons and blanks tell nothing.
                c => {
                    text.push(&rest[..c.len_utf8()]);
                    c.len_utf8()
                }
            };
            rest = &rest[taken..];
        }
        Some(text)
    }

    fn json_string(&mut self, text: &mut Text, kind: Option<Kind>, raw: &str) {
        let value = meaning(raw);
        match kind {
            _ if raw.is_empty() => {}
            // An address may hold a secret in its query.
            None if value.contains("://") && value == raw => text.append(self.url(raw)),
            None => text.push(raw),
            Some(kind) => text.push_piece(self.secret(kind, raw, &value)),
        }
    }

    /// A number that may not be shown becomes a text of its length.
    fn json_number(&mut self, text: &mut Text, kind: Kind, raw: &str) {
        if raw.len() < 2 {
            return text.push("0");
        }
        let letter = self.labels.letter(kind, raw);
        text.push("\"");
        text.push_piece(Piece::Secret { kind, letter, length: raw.len() - 2 });
        text.push("\"");
    }
}

struct Level {
    is_object: bool,
    kind: Option<Kind>,
}

/// Where the string ends that begins here, as an index of its closing quote.
fn end_of_string(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    json.len() - 1
}

/// A string without its escapes.
fn meaning(raw: &str) -> String {
    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_shown_and_nothing_moves() {
        for (json, shown) in [
            (
                r#"{ "token_type": "Bearer", "access_token": "0123456789abcdef01234567" }"#,
                r#"{ "token_type": "Bearer", "access_token": "redacted-access-token-A-" }"#,
            ),
            (
                r#"{"scopes_supported":["openid","email"],"odd":["0123456789abcdef",true,null]}"#,
                r#"{"scopes_supported":["openid","email"],"odd":["redacted-value-A",true,null]}"#,
            ),
            (
                r#"{"odd":{"name":"Ada","deep":1234567},"n":1}"#,
                r#"{"odd":{"name":"Ada","deep":"redac"},"n":1}"#,
            ),
            (r#"[{"a\"b":"x","name":"A\u0041"}]"#, r#"[{"a\"b":"r","name":"A\u0041"}]"#),
            (
                r#"{"keys":[{"kty":"RSA","n":"0vx7","d":"0123456789abcdef"}]}"#,
                r#"{"keys":[{"kty":"RSA","n":"0vx7","d":"redacted-value-A"}]}"#,
            ),
            (
                r#"{"picture":"https://x.test/a?sig=0123456789abcdef"}"#,
                r#"{"picture":"https://x.test/a?sig=redacted-value-A"}"#,
            ),
            (r#""0123456789abcdef""#, r#""redacted-value-A""#),
        ] {
            let text = Redactor::default().json(json).expect("JSON");
            assert_eq!(text.len(), json.len(), "{json}");
            assert!(serde_json::from_str::<Value>(&text.to_string()).is_ok(), "{text}");
            assert_eq!(text.to_string(), shown);
        }
        assert_eq!(Redactor::default().json("{"), None);
    }
}
