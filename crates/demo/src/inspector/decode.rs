//! A token in its parts, decoded as far as they go.

use latchkey_auth::jose::Members;

use super::salvage::{self, NotAnObject, NotBase64Url};
use super::visible::visible;

/// Nobody reads a thousand parts; the rest of them stays one text.
pub(super) const MAX_PARTS: usize = 7;

/// What a part of a token is (RFC 7515 §7.1, RFC 7516 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Place {
    Header,
    Claims,
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

impl Place {
    const SIGNED: [Self; 3] = [Self::Header, Self::Claims, Self::Signature];
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
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// A JSON object, perhaps not all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) members: Members,
    pub(crate) text: String,
    pub(crate) is_whole: bool,
}

/// Why something is no signed JWT in compact serialization.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("There is nothing here.")]
    Nothing,
    #[error(
        "This is no JWT: it has no dots. A server session or an OAuth token is opaque by design; \
         only whoever issued it can look up what it means."
    )]
    Opaque,
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
    #[error("Its {0} {1}.")]
    Part(Place, NotBase64Url),
    #[error("Its {0} {1}.")]
    Json(Place, NotAnObject),
    #[error("Its {0} name {1} twice: one reader takes the first, another the last (RFC 7519 §4).")]
    Twice(Place, String),
    #[error("Its header names no algorithm: alg has to be there, as text (RFC 7515 §4.1.1).")]
    NoAlgorithm,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DecodedToken {
    pub(crate) parts: Vec<Part>,
    pub(crate) header: Option<Object>,
    pub(crate) claims: Option<Object>,
    /// What is signed: the first two parts as they are written (RFC 7515 §5.2).
    pub(crate) signed: Option<String>,
    pub(crate) signature: Option<Vec<u8>>,
    /// Everything that keeps it from being well formed, the gravest first.
    pub(crate) malformed: Vec<Malformed>,
}

impl DecodedToken {
    pub(crate) fn of(token: &str) -> Self {
        let texts: Vec<&str> = token.splitn(MAX_PARTS, '.').collect();
        let mut decoded = Self {
            parts: parts(&texts),
            header: None,
            claims: None,
            signed: None,
            signature: None,
            malformed: count(token, &texts).into_iter().collect(),
        };
        if let Some(Malformed::Nothing | Malformed::Opaque | Malformed::JsonSerialization) =
            decoded.malformed.first()
        {
            return decoded;
        }
        decoded.header = decoded.object(Place::Header);
        if texts.len() != 5 {
            decoded.claims = decoded.object(Place::Claims);
        }
        let has_whole_header = decoded.header.as_ref().is_some_and(|header| header.is_whole);
        if has_whole_header && decoded.algorithm().is_none() {
            decoded.malformed.push(Malformed::NoAlgorithm);
        }
        if let [header, claims, signature] = texts[..] {
            decoded.signed = Some(format!("{header}.{claims}"));
            let (bytes, wrong) = salvage::base64url(signature);
            // No signature is a matter of the second question, not of the first.
            let wrong = wrong.filter(|wrong| *wrong != NotBase64Url::Empty);
            decoded.malformed.extend(wrong.map(|wrong| Malformed::Part(Place::Signature, wrong)));
            decoded.signature = Some(bytes);
        }
        decoded
    }

    /// The algorithm that it says of itself.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.header.as_ref()?.members.get("alg")?.as_str()
    }

    fn object(&mut self, place: Place) -> Option<Object> {
        let part = self.parts.iter().find(|part| part.place == place)?;
        let (bytes, wrong) = salvage::base64url(&part.text);
        let (members, not_an_object) = salvage::object(&bytes);
        let is_whole = wrong.is_none() && not_an_object.is_none();
        let breaks_off = not_an_object == Some(NotAnObject::BreaksOff);
        let wrong = match wrong {
            // A part that was cut off ends wherever it ends.
            Some(NotBase64Url::Length | NotBase64Url::StrayBits) if breaks_off => None,
            wrong => wrong,
        };
        let not_an_object = not_an_object.filter(|_| wrong != Some(NotBase64Url::Empty));
        let twice = members.duplicate().map(|name| Malformed::Twice(place, visible(name)));
        self.malformed.extend(wrong.map(|wrong| Malformed::Part(place, wrong)));
        self.malformed.extend(not_an_object.map(|wrong| Malformed::Json(place, wrong)));
        self.malformed.extend(twice);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_read = is_whole || !members.as_slice().is_empty();
        is_read.then_some(Object { members, text, is_whole })
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
    match texts.len() {
        _ if token.is_empty() => Some(Malformed::Nothing),
        _ if token.starts_with('{') => Some(Malformed::JsonSerialization),
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
    let start = text.get(..4).map(|start| salvage::base64url(start).0);
    start.is_some_and(|bytes| bytes.first() == Some(&b'{'))
}
