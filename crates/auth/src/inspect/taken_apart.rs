//! A token in its parts, decoded as far as they go.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::base64url::{self, NotBase64Url};
use super::json::{self, NotAnObject};
use super::visible;

const MAX_PARTS: usize = 7;

/// What a part of a token is (RFC 7515 §7.1, RFC 7516 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// How it is signed or encrypted.
    Header,
    Claims,
    Signature,
    /// The parts of an encrypted token behind its header.
    EncryptedKey,
    /// The nonce of the encryption.
    InitializationVector,
    /// What it says, for nobody to read.
    Ciphertext,
    /// What proves that it was not altered.
    AuthenticationTag,
    /// A part that no token has.
    Surplus,
    /// The whole of something that has no parts.
    Opaque,
}

impl Place {
    const SIGNED: [Self; 3] = [Self::Header, Self::Claims, Self::Signature];
    const ENCRYPTED: [Self; 5] = [
        Self::Header,
        Self::EncryptedKey,
        Self::InitializationVector,
        Self::Ciphertext,
        Self::AuthenticationTag,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
            Self::EncryptedKey => "encrypted key",
            Self::InitializationVector => "initialization vector",
            Self::Ciphertext => "ciphertext",
            Self::AuthenticationTag => "authentication tag",
            Self::Surplus => "surplus",
            Self::Opaque => "opaque",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One part, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub place: Place,
    pub text: String,
}

/// A JSON object, perhaps not all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// Its members in the order in which they are written.
    pub members: Vec<(String, Value)>,
    /// The text that they were read from.
    pub text: String,
    /// Whether that is all there was.
    pub is_whole: bool,
}

impl Object {
    /// The value of a member; the first, where there are two.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }
}

/// Why something is no signed JWT in compact serialization.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("There is nothing here.")]
    Nothing,
    #[error(
        "This is no JWT: it has no dots. A server session or an OAuth token is opaque by design; \
         only whoever issued it can look up what it means."
    )]
    Opaque,
    /// The beginning of a header, and no dot.
    #[error("It has one part, and a signed JWT has three: it was cut off in its header.")]
    OnePart,
    #[error("It has two parts, and a signed JWT has three: it was cut off before its signature.")]
    TwoParts,
    #[error(
        "It has five parts: it is encrypted (JWE, RFC 7516), and only whoever has the key can \
         read its claims."
    )]
    Encrypted,
    #[error("It has {0} parts, and a signed JWT has three.")]
    Parts(usize),
    /// `{"payload":…,"signatures":…}`
    #[error(
        "This is a JSON serialization of JOSE; a JWT is compact, three parts with dots between \
         (RFC 7519 §3)."
    )]
    JsonSerialization,
    /// A part that cannot be decoded as it stands.
    #[error("Its {0} {1}.")]
    Part(Place, NotBase64Url),
    /// A header or claims that are no object.
    #[error("Its {0} {1}.")]
    Json(Place, NotAnObject),
    /// A name that is there twice.
    #[error("Its {0} name {1} twice: one reader takes the first, another the last (RFC 7519 §4).")]
    Twice(Place, String),
    /// A header without an algorithm.
    #[error("Its header names no algorithm: alg has to be there, as text (RFC 7515 §4.1.1).")]
    NoAlgorithm,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TakenApart {
    pub parts: Vec<Part>,
    /// Its header, as far as it can be read.
    pub header: Option<Object>,
    pub claims: Option<Object>,
    /// What is signed: the first two parts as they are written (RFC 7515 §5.2).
    pub signed: Option<String>,
    /// The bytes of the signature.
    pub signature: Option<Vec<u8>>,
    /// Everything that keeps it from being well formed, the gravest first.
    pub malformed: Vec<Malformed>,
}

impl TakenApart {
    /// Takes a token apart, whatever it is.
    #[must_use]
    pub fn of(token: &str) -> Self {
        // Nobody reads a thousand parts; the rest of them stays one text.
        let texts: Vec<&str> = token.splitn(MAX_PARTS, '.').collect();
        let mut apart = Self {
            parts: parts(&texts),
            header: None,
            claims: None,
            signed: None,
            signature: None,
            malformed: count(token, &texts).into_iter().collect(),
        };
        if apart.malformed.iter().any(|one| {
            matches!(one, Malformed::Nothing | Malformed::Opaque | Malformed::JsonSerialization)
        }) {
            return apart;
        }
        apart.header = apart.object(Place::Header);
        if texts.len() != 5 {
            apart.claims = apart.object(Place::Claims);
        }
        let is_text = |value: &Value| value.is_string();
        let header = apart.header.as_ref();
        if header.is_some_and(|header| header.is_whole && !header.get("alg").is_some_and(is_text)) {
            apart.malformed.push(Malformed::NoAlgorithm);
        }
        if let [header, claims, signature] = texts[..] {
            apart.signed = Some(format!("{header}.{claims}"));
            let (bytes, wrong) = base64url::decode(signature);
            // No signature is a matter of the second lamp, not of the first.
            let wrong = wrong.filter(|wrong| *wrong != NotBase64Url::Empty);
            apart.malformed.extend(wrong.map(|wrong| Malformed::Part(Place::Signature, wrong)));
            apart.signature = Some(bytes);
        }
        apart
    }

    /// Whether it is a signed JWT, to the letter.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.malformed.is_empty()
    }

    /// The algorithm that it says of itself.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.header.as_ref()?.get("alg")?.as_str()
    }

    fn object(&mut self, place: Place) -> Option<Object> {
        let part = self.parts.iter().find(|part| part.place == place)?;
        let (bytes, wrong) = base64url::decode(&part.text);
        let (members, not_an_object) = json::read(&bytes);
        let is_whole = wrong.is_none() && not_an_object.is_none();
        let twice = name_twice(&members);
        let breaks_off = not_an_object == Some(NotAnObject::BreaksOff);
        let wrong = match wrong {
            // A part that was cut off ends wherever it ends.
            Some(NotBase64Url::Length | NotBase64Url::StrayBits) if breaks_off => None,
            wrong => wrong,
        };
        let is_empty = wrong == Some(NotBase64Url::Empty);
        self.malformed.extend(wrong.map(|wrong| Malformed::Part(place, wrong)));
        if !is_empty {
            self.malformed.extend(not_an_object.map(|wrong| Malformed::Json(place, wrong)));
        }
        self.malformed.extend(twice.map(|name| Malformed::Twice(place, visible(&name))));
        if members.is_empty() && !is_whole {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(Object { members, text, is_whole })
    }
}

fn parts(texts: &[&str]) -> Vec<Part> {
    let places: &[Place] = match texts.len() {
        1 if !texts.iter().any(|text| begins_an_object(text)) => &[Place::Opaque],
        5 => &Place::ENCRYPTED,
        _ => &Place::SIGNED,
    };
    let places = places.iter().copied().chain(std::iter::repeat(Place::Surplus));
    places.zip(texts).map(|(place, text)| Part { place, text: (*text).to_owned() }).collect()
}

fn count(token: &str, texts: &[&str]) -> Option<Malformed> {
    if token.is_empty() {
        return Some(Malformed::Nothing);
    }
    if token.starts_with('{') {
        return Some(Malformed::JsonSerialization);
    }
    match texts.len() {
        1 if begins_an_object(token) => Some(Malformed::OnePart),
        1 => Some(Malformed::Opaque),
        2 => Some(Malformed::TwoParts),
        3 => None,
        5 => Some(Malformed::Encrypted),
        _ => Some(Malformed::Parts(token.matches('.').count() + 1)),
    }
}

/// Whether the base64url of a JSON object begins like this.
fn begins_an_object(text: &str) -> bool {
    let start = text.get(..4).map(|start| base64url::decode(start).0);
    start.is_some_and(|bytes| bytes.first() == Some(&b'{'))
}

fn name_twice(members: &[(String, Value)]) -> Option<String> {
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|(name, _)| !seen.insert(name.as_str())).map(|(name, _)| name.clone())
}
