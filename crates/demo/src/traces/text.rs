//! A text from the wire without its secrets, as long as it was with them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a value is that is not shown, or shown in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The authorization code (RFC 6749 §1.3.1).
    Code,
    /// The PKCE code verifier (RFC 7636 §4.1).
    Verifier,
    /// The PKCE code challenge (§4.2); its beginning is shown.
    Challenge,
    /// The `state` (RFC 6749 §10.12); its beginning is shown.
    State,
    /// The `nonce` (OpenID Connect Core §3.1.2.1); its beginning is shown.
    Nonce,
    AccessToken,
    RefreshToken,
    IdToken,
    /// The id of a server session.
    SessionId,
    /// The sealed attempt in its cookie.
    Attempt,
    /// The value of any other cookie.
    Cookie,
    Password,
    /// What proves who a client is.
    ClientSecret,
    /// A proof that somebody holds a secret.
    Proof,
    Signature,
    /// Anything that is not on the list of what may be shown.
    Value,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Verifier => "verifier",
            Self::Challenge => "challenge",
            Self::State => "state",
            Self::Nonce => "nonce",
            Self::AccessToken => "access token",
            Self::RefreshToken => "refresh token",
            Self::IdToken => "ID token",
            Self::SessionId => "session id",
            Self::Attempt => "attempt",
            Self::Cookie => "cookie",
            Self::Password => "password",
            Self::ClientSecret => "client secret",
            Self::Proof => "proof",
            Self::Signature => "signature",
            Self::Value => "value",
        }
    }

    /// The name of the environment variable that holds it in a script.
    pub(crate) fn variable(self, letter: Letter) -> String {
        format!("{}_{letter}", self.name().to_uppercase().replace(' ', "_"))
    }
}

/// Which of several of its kind: the same secret has the same letter in every
/// step of one trace, and no secret can be worked out from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Letter(pub(crate) u16);

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = char::from(b'A' + u8::try_from(self.0 % 26).unwrap_or_default());
        match self.0 / 26 {
            0 => write!(f, "{letter}"),
            round => write!(f, "{letter}{round}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    Plain(String),
    /// Nothing of it is kept but its length.
    Secret {
        kind: Kind,
        letter: Letter,
        length: usize,
    },
    /// Its first characters, by which a person sees that two are the same.
    Short {
        kind: Kind,
        letter: Letter,
        begins: String,
        length: usize,
    },
    /// A token that can be read, and not used: its signature is gone.
    Jwt {
        kind: Kind,
        letter: Letter,
        header: String,
        payload: String,
        signature: usize,
        nonce: Option<Letter>,
    },
}

impl Piece {
    /// As text of the same length as what stood there.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Secret { kind, letter, length } => filler("redacted-", *kind, *letter, *length),
            Self::Short { kind, letter, begins, length } => {
                filler(&format!("{begins}-"), *kind, *letter, *length)
            }
            Self::Jwt { letter, header, payload, signature, .. } => {
                let signature = filler("redacted-", Kind::Signature, *letter, *signature);
                format!("{header}.{payload}.{signature}")
            }
        }
    }

    /// How long it was on the wire, in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Secret { length, .. } | Self::Short { length, .. } => *length,
            Self::Jwt { header, payload, signature, .. } => {
                header.len() + payload.len() + signature + 2
            }
        }
    }
}

/// What stands in for a secret: it says what it was, and fills its place to the
/// byte with characters that may stand anywhere, in URLs and in tokens.
fn filler(prefix: &str, kind: Kind, letter: Letter, length: usize) -> String {
    let mut text = format!("{prefix}{}-{letter}-", kind.name().replace(' ', "-"));
    text.truncate(length);
    while text.len() < length {
        text.push('-');
    }
    text
}

/// The short form of a value that may be shown in part.
pub(crate) fn short(kind: Kind, letter: Letter, begins: &str, length: usize) -> String {
    filler(&format!("{begins}-"), kind, letter, length)
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text(pub(crate) Vec<Piece>);

impl Text {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece::Plain(text.into())])
    }

    pub(crate) fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Plain(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Piece::Plain(text.to_owned())),
        }
    }

    pub(crate) fn push_piece(&mut self, piece: Piece) {
        match piece {
            Piece::Plain(text) => self.push(&text),
            piece => self.0.push(piece),
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        other.0.into_iter().for_each(|piece| self.push_piece(piece));
    }

    /// How long it was on the wire, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Piece::len).sum()
    }
}

/// Without secrets, and as long as it was with them.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| f.write_str(&piece.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_is_as_long_as_what_stood_there() {
        for length in [0, 1, 8, 20, 43, 600] {
            for piece in [
                Piece::Secret { kind: Kind::Code, letter: Letter(0), length },
                Piece::Short {
                    kind: Kind::State,
                    letter: Letter(27),
                    begins: "abcdef".to_owned(),
                    length,
                },
            ] {
                assert_eq!(piece.text().len(), length, "{piece:?}");
                assert_eq!(piece.len(), length);
            }
        }
        let code = Piece::Secret { kind: Kind::Code, letter: Letter(1), length: 24 };
        assert_eq!(code.text(), "redacted-code-B---------");
    }
}
