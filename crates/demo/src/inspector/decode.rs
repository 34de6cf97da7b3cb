//! Splits a token into its parts and decodes as much of them as possible.

use latchkey_auth::jose::Members;

use super::escape::escape_invisible;
use super::lenient::{self, Base64UrlError, ObjectError};

/// Further parts stay in the last one.
pub(super) const MAX_PARTS: usize = 7;

/// The parts of a JWS (RFC 7515 §7.1) or a JWE (RFC 7516 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum PartKind {
    Header,
    Payload,
    Signature,
    #[strum(serialize = "encrypted key")]
    EncryptedKey,
    #[strum(serialize = "initialization vector")]
    InitializationVector,
    Ciphertext,
    #[strum(serialize = "authentication tag")]
    AuthenticationTag,
    Surplus,
    Opaque,
}

impl PartKind {
    const SIGNED: [Self; 3] = [Self::Header, Self::Payload, Self::Signature];
    const ENCRYPTED: [Self; 5] = [
        Self::Header,
        Self::EncryptedKey,
        Self::InitializationVector,
        Self::Ciphertext,
        Self::AuthenticationTag,
    ];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    pub(crate) text: String,
}

/// A JSON object, possibly incomplete.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) members: Members,
    pub(crate) text: String,
    pub(crate) is_complete: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DecodedToken {
    pub(crate) parts: Vec<Part>,
    pub(crate) header: Option<Object>,
    pub(crate) claims: Option<Object>,
    /// The signing input: the first two parts as written (RFC 7515 §5.2).
    pub(crate) signed: Option<String>,
    pub(crate) signature: Option<Vec<u8>>,
    /// Why it is malformed, the most serious error first.
    pub(crate) errors: Vec<String>,
}

impl DecodedToken {
    pub(crate) fn decode(token: &str) -> Self {
        let texts: Vec<&str> = token.splitn(MAX_PARTS, '.').collect();
        let other_format = other_format(token);
        let mut decoded = Self {
            parts: parts(&texts, other_format.is_some()),
            errors: other_format.map(str::to_owned).into_iter().collect(),
            ..Self::default()
        };
        if other_format.is_some() {
            return decoded;
        }
        decoded.errors.extend(part_count_error(token, &texts));
        decoded.header = decoded.object(PartKind::Header);
        if decoded.is_encrypted() {
            for (kind, part) in PartKind::ENCRYPTED.iter().zip(&texts).skip(1) {
                // With a direct key, the encrypted key is empty (RFC 7516 §5.1).
                let error = lenient::base64url(part).1.filter(|it| *it != Base64UrlError::Empty);
                decoded.errors.extend(error.map(|error| format!("Its {kind} {error}.")));
            }
        } else {
            decoded.claims = decoded.object(PartKind::Payload);
        }
        let is_header_complete = decoded.header.as_ref().is_some_and(|header| header.is_complete);
        if is_header_complete && decoded.algorithm().is_none() {
            let error = "Its header names no algorithm: alg is required and must be a string \
                         (RFC 7515 §4.1.1).";
            decoded.errors.push(error.to_owned());
        }
        if let [header, payload, signature] = texts[..] {
            decoded.signed = Some(format!("{header}.{payload}"));
            let (bytes, error) = lenient::base64url(signature);
            // The signature check reports a missing signature.
            let error = error.filter(|error| *error != Base64UrlError::Empty);
            decoded.errors.extend(error.map(|error| format!("Its signature {error}.")));
            decoded.signature = Some(bytes);
        }
        decoded
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.parts.len() == 5
    }

    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.header_text("alg")
    }

    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.as_ref()?.members.get(name)?.as_str()
    }

    fn object(&mut self, kind: PartKind) -> Option<Object> {
        let part = self.parts.iter().find(|part| part.kind == kind)?;
        let (bytes, base64_error) = lenient::base64url(&part.text);
        let (members, json_error) = lenient::object(&bytes);
        let is_complete = base64_error.is_none() && json_error.is_none();
        let is_truncated = json_error == Some(ObjectError::Truncated);
        let base64_error = match base64_error {
            // Follows from the truncation.
            Some(Base64UrlError::Length | Base64UrlError::StrayBits) if is_truncated => None,
            error => error,
        };
        let json_error = json_error.filter(|_| base64_error != Some(Base64UrlError::Empty));
        self.errors.extend(base64_error.map(|error| format!("Its {kind} {error}.")));
        self.errors.extend(json_error.map(|error| format!("Its {kind} {error}.")));
        self.errors.extend(members.duplicate().map(|name| {
            let name = escape_invisible(name);
            format!(
                "Its {kind} names {name} twice: one parser takes the first, another the last \
                 (RFC 7519 §4)."
            )
        }));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_readable = is_complete || !members.as_slice().is_empty();
        is_readable.then_some(Object { members, text, is_complete })
    }
}

fn parts(texts: &[&str], is_opaque: bool) -> Vec<Part> {
    let kinds: &[PartKind] = match texts.len() {
        _ if is_opaque => &[PartKind::Opaque],
        5 => &PartKind::ENCRYPTED,
        _ => &PartKind::SIGNED,
    };
    let kinds = kinds.iter().copied().chain(std::iter::repeat(PartKind::Surplus));
    kinds.zip(texts).map(|(kind, text)| Part { kind, text: (*text).to_owned() }).collect()
}

/// Prefixes of other formats, separated by spaces, and what to say about them.
const OTHER_FORMATS: [(&str, &str); 6] = [
    (
        "{",
        "This is a JWS or JWE in JSON; a JWT is compact, three parts separated by dots \
         (RFC 7519 §3).",
    ),
    ("ya29.", "This is a Google access token: opaque, despite its dots. Only Google can read it."),
    ("1//", "This is a Google refresh token: opaque. Only Google can read it."),
    (
        "gho_ ghp_ ghr_ ghs_ ghu_ github_pat_",
        "This is a GitHub token: opaque. Only GitHub can read it.",
    ),
    (
        "v1.local. v2.local. v3.local. v4.local. v1.public. v2.public. v3.public. v4.public.",
        "This is a PASETO, not a JWT: its version says how it is signed or encrypted, so it needs \
         no header. The inspector does not decode it.",
    ),
    (
        "< PHNhbWw PD94bWw PFJlc3Bvbn",
        "This is XML, not a JWT, perhaps a SAML assertion: its signature is inside the document.",
    ),
];

/// Why this is not a JWS or JWE in compact form.
fn other_format(token: &str) -> Option<&'static str> {
    let has_prefix =
        |(prefixes, _): &&(&str, _)| prefixes.split(' ').any(|prefix| token.starts_with(prefix));
    match OTHER_FORMATS.iter().find(has_prefix) {
        Some((_, message)) => Some(message),
        None if token.is_empty() => Some("There is no token here."),
        None if token.contains('.') || starts_like_object(token) => None,
        None => Some(
            "This is not a JWT: it has no dots. Session IDs and most OAuth tokens are opaque; only \
             their issuer can look them up.",
        ),
    }
}

fn part_count_error(token: &str, texts: &[&str]) -> Option<String> {
    let message = match texts.len() {
        3 | 5 => return None,
        1 => "It has one part instead of three: it was cut off in its header.",
        2 => "It has two parts instead of three: it was cut off before its signature.",
        _ => {
            let parts = token.matches('.').count() + 1;
            return Some(format!("It has {parts} parts; a signed JWT has three."));
        }
    };
    Some(message.to_owned())
}

/// Whether it may be a JSON object in base64url.
fn starts_like_object(text: &str) -> bool {
    let start = text.get(..4).map(|start| lenient::base64url(start).0);
    start.is_some_and(|bytes| bytes.first() == Some(&b'{'))
}
