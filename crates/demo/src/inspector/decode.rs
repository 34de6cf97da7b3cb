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

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DecodedToken {
    pub(crate) parts: Vec<Part>,
    pub(crate) header: Option<Object>,
    pub(crate) claims: Option<Object>,
    /// What is signed: the first two parts as they are written (RFC 7515 §5.2).
    pub(crate) signed: Option<String>,
    pub(crate) signature: Option<Vec<u8>>,
    /// Everything that keeps it from being well formed, in words, the gravest first.
    pub(crate) malformed: Vec<String>,
}

impl DecodedToken {
    pub(crate) fn of(token: &str) -> Self {
        let texts: Vec<&str> = token.splitn(MAX_PARTS, '.').collect();
        let foreign = foreign(token);
        let mut decoded = Self {
            parts: parts(&texts, foreign.is_some()),
            malformed: foreign.map(str::to_owned).into_iter().collect(),
            ..Self::default()
        };
        if foreign.is_some() {
            return decoded;
        }
        decoded.malformed.extend(count(token, &texts));
        decoded.header = decoded.object(Place::Header);
        if decoded.is_encrypted() {
            for (name, part) in Place::ENCRYPTED.iter().zip(&texts).skip(1) {
                // Without a key that is agreed upon there is none (RFC 7516 §5.1).
                let wrong = salvage::base64url(part).1.filter(|it| *it != NotBase64Url::Empty);
                decoded.malformed.extend(wrong.map(|wrong| format!("Its {name} {wrong}.")));
            }
        } else {
            decoded.claims = decoded.object(Place::Claims);
        }
        let has_whole_header = decoded.header.as_ref().is_some_and(|header| header.is_whole);
        if has_whole_header && decoded.algorithm().is_none() {
            let missing = "Its header names no algorithm: alg has to be there, as text \
                           (RFC 7515 §4.1.1).";
            decoded.malformed.push(missing.to_owned());
        }
        if let [header, claims, signature] = texts[..] {
            decoded.signed = Some(format!("{header}.{claims}"));
            let (bytes, wrong) = salvage::base64url(signature);
            // No signature is a matter of the second question, not of the first.
            let wrong = wrong.filter(|wrong| *wrong != NotBase64Url::Empty);
            decoded.malformed.extend(wrong.map(|wrong| format!("Its signature {wrong}.")));
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
        self.malformed.extend(wrong.map(|wrong| format!("Its {place} {wrong}.")));
        self.malformed.extend(not_an_object.map(|wrong| format!("Its {place} {wrong}.")));
        self.malformed.extend(members.duplicate().map(|name| {
            let name = visible(name);
            format!(
                "Its {place} name {name} twice: one reader takes the first, another the last \
                 (RFC 7519 §4)."
            )
        }));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_read = is_whole || !members.as_slice().is_empty();
        is_read.then_some(Object { members, text, is_whole })
    }
}

fn parts(texts: &[&str], is_foreign: bool) -> Vec<Part> {
    let places: &[Place] = match texts.len() {
        _ if is_foreign => &[Place::Opaque],
        5 => &Place::ENCRYPTED,
        _ => &Place::SIGNED,
    };
    let places = places.iter().copied().chain(std::iter::repeat(Place::Surplus));
    places.zip(texts).map(|(place, text)| Part { place, text: (*text).to_owned() }).collect()
}

/// What texts begin with that are no token of JOSE, and what they are.
const FOREIGN: [(&str, &str); 6] = [
    (
        "{",
        "This is a JSON serialization of JOSE; a JWT is compact, three parts with dots between \
         (RFC 7519 §3).",
    ),
    (
        "ya29.",
        "This is an access token of Google’s: opaque, whatever its dots. Only Google can look it \
         up.",
    ),
    ("1//", "This is a refresh token of Google’s: opaque, and only Google can look it up."),
    (
        "gho_ ghp_ ghr_ ghs_ ghu_ github_pat_",
        "This is a token of GitHub’s: opaque, and only GitHub can look it up.",
    ),
    (
        "v1.local. v2.local. v3.local. v4.local. v1.public. v2.public. v3.public. v4.public.",
        "This is a PASETO and no JWT: its version says how it is signed or encrypted, so it has \
         no header that could. It is not read here.",
    ),
    (
        "< PHNhbWw PD94bWw PFJlc3Bvbn",
        "This is XML and no JWT, perhaps a SAML assertion: its signature stands inside it.",
    ),
];

/// What a text is that is no token of JOSE.
fn foreign(token: &str) -> Option<&'static str> {
    let begins = |(beginnings, _): &&(&str, _)| {
        beginnings.split(' ').any(|beginning| token.starts_with(beginning))
    };
    match FOREIGN.iter().find(begins) {
        Some((_, what)) => Some(what),
        None if token.is_empty() => Some("There is nothing here."),
        None if token.contains('.') || begins_an_object(token) => None,
        None => Some(
            "This is no JWT: it has no dots. A server session or an OAuth token is opaque by \
             design; only whoever issued it can look up what it means.",
        ),
    }
}

/// What is wrong with so many parts.
fn count(token: &str, texts: &[&str]) -> Option<String> {
    let said = match texts.len() {
        3 | 5 => return None,
        1 => "It has one part, and a signed JWT has three: it was cut off in its header.",
        2 => "It has two parts, and a signed JWT has three: it was cut off before its signature.",
        _ => {
            let parts = token.matches('.').count() + 1;
            return Some(format!("It has {parts} parts, and a signed JWT has three."));
        }
    };
    Some(said.to_owned())
}

/// Whether the base64url of a JSON object begins like this.
fn begins_an_object(text: &str) -> bool {
    let start = text.get(..4).map(|start| salvage::base64url(start).0);
    start.is_some_and(|bytes| bytes.first() == Some(&b'{'))
}
