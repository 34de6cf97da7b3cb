//! The JWS compact serialization (RFC 7515 §7.1), and JSON objects with duplicate detection.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::base64url::decode;

/// Longer tokens are not shown.
const MAX_SHOWN: usize = 16 * 1024;

/// The decoded parts, not verified.
#[derive(Debug)]
pub struct Jws<'a> {
    /// The first two parts, still encoded (RFC 7515 §5.1).
    pub signing_input: &'a str,
    pub header: Vec<u8>,
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Three parts of strict base64url, which rejects any further dot.
    pub fn split(token: &'a str) -> Option<Self> {
        let (signing_input, signature) = token.rsplit_once('.')?;
        let (header, payload) = signing_input.split_once('.')?;
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        Some(Self { signing_input, header, payload, signature })
    }
}

/// Header and claims in their original order, not verified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodedJws {
    pub header: Vec<(String, Value)>,
    pub claims: Vec<(String, Value)>,
}

/// For display; `None` if the token is not a JWT.
pub fn decode_unverified(token: &str) -> Option<DecodedJws> {
    let jws = Jws::split(token).filter(|_| token.len() <= MAX_SHOWN)?;
    let read = |json: &[u8]| Members::parse(json).map(Members::into_vec);
    Some(DecodedJws { header: read(&jws.header)?, claims: read(&jws.payload)? })
}

/// The members of a JSON object in their original order, including duplicates.
///
/// Of two members with one name, serde's maps keep the last and other parsers the first: a token
/// with two `sub` would name two users (RFC 7515 §4, RFC 7519 §4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(Vec<(String, Value)>);

impl Members {
    /// `None` if the text is not exactly one object.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let (members, end) = Self::parse_partial(std::str::from_utf8(json).ok()?);
        end.ok().map(|()| members)
    }

    /// Parses the complete members of a truncated or invalid object, and returns the error.
    pub fn parse_partial(text: &str) -> (Self, serde_json::Result<()>) {
        let mut members = Vec::new();
        let mut json = serde_json::Deserializer::from_str(text);
        let end = json.deserialize_map(Collect(&mut members)).and_then(|()| json.end());
        let is_truncated = end.as_ref().is_err_and(serde_json::Error::is_eof);
        if is_truncated && text.ends_with(|c: char| c.is_ascii_digit()) {
            // The last number may have had more digits.
            members.pop_if(|(_, value)| value.is_number());
        }
        (Self(members), end)
    }

    /// The first duplicate name.
    pub fn duplicate(&self) -> Option<&str> {
        // A set, because a header of 16 kB has room for thousands of members.
        let mut seen = HashSet::with_capacity(self.0.len());
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !seen.insert(*name))
    }

    pub fn has_duplicates(&self) -> bool {
        self.duplicate().is_some()
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    pub fn as_slice(&self) -> &[(String, Value)] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<(String, Value)> {
        self.0
    }
}

/// Collects members one by one, to keep them when parsing fails.
struct Collect<'m>(&'m mut Vec<(String, Value)>);

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(())
    }
}
