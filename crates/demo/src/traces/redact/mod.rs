//! What may be shown of a message: a closed list. Whatever is not on it is a
//! secret, whoever wrote it: a header, a cookie, a form field, a member of a
//! JSON document that nobody thought of shows its length and nothing else.

mod body;
mod headers;
mod json;
mod jwt;
mod url;

use std::borrow::Cow;

use super::labels::Labels;
use super::text::{Kind, Piece, Text};

/// How many characters of a `state`, a `nonce` or a challenge are shown: enough
/// to see that two are the same, and of 256 bits a small part.
const SHORT: usize = 6;

/// Takes the secrets out of the messages of one sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    labels: Labels,
}

impl Redactor {
    /// A secret. `raw` is how it stands on the wire, `value` what it means.
    fn secret(&mut self, kind: Kind, raw: &str, value: &str) -> Piece {
        let letter = self.labels.letter(kind, value);
        match kind {
            Kind::State | Kind::Nonce | Kind::Challenge if value.len() >= 4 * SHORT => {
                let begins = value.chars().take(SHORT).filter(char::is_ascii).collect();
                Piece::Short { kind, letter, begins, length: raw.len() }
            }
            Kind::AccessToken | Kind::IdToken => self
                .jwt(kind, letter, raw)
                .unwrap_or(Piece::Secret { kind, letter, length: raw.len() }),
            _ => Piece::Secret { kind, letter, length: raw.len() },
        }
    }

    /// A secret that stands there as it is.
    fn bare(&mut self, kind: Kind, value: &str) -> Text {
        if value.is_empty() { Text::default() } else { Text(vec![self.secret(kind, value, value)]) }
    }
}

/// What a named value is: `None` when it may be shown.
///
/// One list for query parameters and form fields of RFC 6749, OpenID Connect,
/// and our own and the providers' forms.
fn parameter(name: &str) -> Option<Kind> {
    Some(match name {
        "response_type"
        | "response_mode"
        | "client_id"
        | "redirect_uri"
        | "scope"
        | "code_challenge_method"
        | "grant_type"
        | "iss"
        | "display"
        | "prompt"
        | "max_age"
        | "access_type"
        | "include_granted_scopes"
        | "resource"
        | "error"
        | "fields"
        | "strategy"
        | "next"
        | "email"
        | "decision"
        | "person"
        | "misbehave"
        | "granted_scopes"
        | "auth_type"
        | "allow_signup"
        | "hd"
        | "authuser" => return None,
        "state" => Kind::State,
        "nonce" => Kind::Nonce,
        "code_challenge" => Kind::Challenge,
        "code" => Kind::Code,
        "code_verifier" => Kind::Verifier,
        "client_secret" => Kind::ClientSecret,
        "password" => Kind::Password,
        "access_token" => Kind::AccessToken,
        "refresh_token" => Kind::RefreshToken,
        "id_token" | "id_token_hint" => Kind::IdToken,
        "appsecret_proof" => Kind::Proof,
        _ => Kind::Value,
    })
}

/// What `+` and `%…` in a form mean.
fn decoded(raw: &str) -> Cow<'_, str> {
    let mut pairs = ::url::form_urlencoded::parse(raw.as_bytes());
    // The text of one value: nothing in it parts names from values.
    pairs.next().map_or(Cow::Borrowed(raw), |(value, _)| Cow::Owned(value.into_owned()))
}
