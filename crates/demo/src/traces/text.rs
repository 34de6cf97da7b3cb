//! Redacted text: secrets are replaced by placeholders of the same length.

use std::fmt;

use latchkey_auth::random;
use latchkey_store::hash;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use serde::{Deserialize, Serialize};

/// The kind of a redacted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Kind {
    /// The authorization code (RFC 6749 §1.3.1).
    Code,
    /// The PKCE code verifier (RFC 7636 §4.1).
    Verifier,
    /// The PKCE code challenge (§4.2); its first characters are shown.
    Challenge,
    /// The `state` (RFC 6749 §10.12); its first characters are shown.
    State,
    /// The `nonce` (OpenID Connect Core §3.1.2.1); its first characters are shown.
    Nonce,
    #[strum(serialize = "access token")]
    AccessToken,
    #[strum(serialize = "refresh token")]
    RefreshToken,
    #[strum(serialize = "ID token")]
    IdToken,
    #[strum(serialize = "session id")]
    SessionId,
    Attempt,
    /// The part of a state in the name of an attempt cookie.
    #[strum(serialize = "attempt name")]
    AttemptName,
    Cookie,
    Password,
    #[strum(serialize = "client secret")]
    ClientSecret,
    /// Facebook's `appsecret_proof`.
    Proof,
    Signature,
    /// Anything else that is not on the allow list.
    Value,
}

/// Numbers the secrets of one kind: the same secret has the same label throughout a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Label(pub(crate) u16);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = char::from(b'A' + u8::try_from(self.0 % 26).unwrap_or_default());
        match self.0 / 26 {
            0 => write!(f, "{label}"),
            round => write!(f, "{label}{round}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) kind: Kind,
    pub(crate) label: Label,
}

impl Mark {
    /// The CSS class.
    pub(crate) const fn class(self) -> &'static str {
        match self.kind {
            Kind::State => "state",
            Kind::Nonce => "nonce",
            Kind::Challenge | Kind::Verifier => "pkce",
            Kind::Code => "code",
            _ => "other",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.label)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Segment {
    Plain(String),
    #[serde(alias = "short")]
    Secret {
        #[serde(flatten)]
        mark: Mark,
        /// Its first characters, to compare two by eye.
        #[serde(default, rename = "begins", skip_serializing_if = "String::is_empty")]
        prefix: String,
        length: usize,
    },
    /// A token without its signature, whose length is kept.
    Jwt {
        #[serde(flatten)]
        mark: Mark,
        header: String,
        payload: String,
        signature: usize,
        nonce: Option<Label>,
    },
}

impl Segment {
    pub(crate) const fn secret(mark: Mark, length: usize) -> Self {
        Self::Secret { mark, prefix: String::new(), length }
    }

    /// As text of the same length as what stood there.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Secret { mark, prefix, length } => {
                placeholder(if prefix.is_empty() { "redacted" } else { prefix }, *mark, *length)
            }
            Self::Jwt { mark, header, payload, signature, .. } => {
                let mark = Mark { kind: Kind::Signature, ..*mark };
                format!("{header}.{payload}.{}", placeholder("redacted", mark, *signature))
            }
        }
    }

    pub(crate) const fn mark(&self) -> Option<Mark> {
        match self {
            Self::Plain(_) => None,
            Self::Secret { mark, .. } | Self::Jwt { mark, .. } => Some(*mark),
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Secret { prefix, .. } => prefix,
            _ => "",
        }
    }

    /// Bytes on the wire.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Secret { length, .. } => *length,
            Self::Jwt { header, payload, signature, .. } => {
                header.len() + payload.len() + signature + 2
            }
        }
    }
}

/// Names the secret, in `length` characters that are valid in URLs and in tokens.
pub(crate) fn placeholder(prefix: &str, mark: Mark, length: usize) -> String {
    let text = format!("{prefix}-{mark}-").replace(' ', "-");
    format!("{text:-<length$.length$}")
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text(pub(crate) Vec<Segment>);

impl From<Segment> for Text {
    fn from(segment: Segment) -> Self {
        Self(vec![segment])
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(vec![Segment::Plain(text.to_owned())])
    }
}

impl Text {
    /// Joins adjacent plain segments.
    pub(crate) fn append(&mut self, other: impl Into<Self>) {
        for segment in other.into().0 {
            match (self.0.last_mut(), segment) {
                (_, Segment::Plain(text)) if text.is_empty() => {}
                (Some(Segment::Plain(last)), Segment::Plain(text)) => last.push_str(&text),
                (_, segment) => self.0.push(segment),
            }
        }
    }

    pub(crate) fn then(mut self, other: impl Into<Self>) -> Self {
        self.append(other);
        self
    }

    /// Bytes on the wire.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Segment::len).sum()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| f.write_str(&segment.text()))
    }
}

/// The length of a code verifier (RFC 7636 §4.1).
const VERIFIER_LENGTH: std::ops::RangeInclusive<usize> = 43..=128;

/// The labels of the secrets so far, found by salted hash. Never stored.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    salt: String,
    seen: Vec<(Mark, String)>,
}

impl Default for Labels {
    fn default() -> Self {
        Self { salt: random::token(), seen: Vec::new() }
    }
}

impl Labels {
    /// A code verifier gets the label of its code challenge (RFC 7636 §4.2).
    pub(crate) fn mark(&mut self, kind: Kind, secret: &str) -> Mark {
        if let Some(label) = self.find(kind, secret) {
            return Mark { kind, label };
        }
        let is_verifier = kind == Kind::Verifier && VERIFIER_LENGTH.contains(&secret.len());
        let challenge = is_verifier.then(|| {
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(secret.to_owned()))
        });
        let of_challenge = challenge.and_then(|it| self.find(Kind::Challenge, it.as_str()));
        let next = self.seen.iter().filter(|(mark, _)| mark.kind == kind).count();
        let label = of_challenge.unwrap_or(Label(u16::try_from(next).unwrap_or(u16::MAX)));
        self.seen.push((Mark { kind, label }, self.hash(secret)));
        Mark { kind, label }
    }

    fn hash(&self, secret: &str) -> String {
        hash::sha256_hex(&format!("{}{secret}", self.salt))
    }

    fn find(&self, kind: Kind, secret: &str) -> Option<Label> {
        let hash = self.hash(secret);
        let mut seen = self.seen.iter();
        seen.find(|(mark, of)| mark.kind == kind && *of == hash).map(|(mark, _)| mark.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacted_text_keeps_the_original_length() {
        for length in [0, 1, 8, 20, 43, 600] {
            let mark = |kind, label| Mark { kind, label: Label(label) };
            for segment in [
                Segment::secret(mark(Kind::Code, 0), length),
                Segment::Secret { mark: mark(Kind::State, 27), prefix: "abcdef".into(), length },
            ] {
                assert_eq!(segment.text().len(), length, "{segment:?}");
                assert_eq!(segment.len(), length);
            }
        }
        let code = Segment::secret(Mark { kind: Kind::Code, label: Label(1) }, 24);
        assert_eq!(code.text(), "redacted-code-B---------");
    }

    #[test]
    fn redaction_labels_match_equal_secrets_and_pkce_pairs() {
        let mut labels = Labels::default();
        // RFC 7636, appendix B.
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        for (kind, secret, label) in [
            (Kind::Code, "one", 0),
            (Kind::Code, "other", 1),
            (Kind::Code, "one", 0),
            (Kind::State, "one", 0),
            (Kind::Challenge, "somebody else's", 0),
            (Kind::Challenge, challenge, 1),
            (Kind::Verifier, verifier, 1),
        ] {
            assert_eq!(labels.mark(kind, secret).label, Label(label), "{kind:?} {secret}");
        }
    }
}
