//! A signed token in compact serialization (RFC 7515 §7.1), and its JSON objects, in
//! which a name may stand only once.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::base64url::decode;

/// A longer one is not worth showing to anybody.
const MAX_SHOWN: usize = 16 * 1024;

/// The three parts, decoded; nothing in them is believed yet.
#[derive(Debug)]
pub struct Jws<'a> {
    /// The first two parts as they are written: what is signed (RFC 7515 §5.1).
    pub signing_input: &'a str,
    pub header: Vec<u8>,
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Three parts of strict base64url. A further dot is in no alphabet.
    pub fn split(token: &'a str) -> Option<Self> {
        let (signing_input, signature) = token.rsplit_once('.')?;
        let (header, payload) = signing_input.split_once('.')?;
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        Some(Self { signing_input, header, payload, signature })
    }
}

/// What a token says in its header and claims, in the order in which it is
/// written. Nothing of it is verified: it is for people to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodedJws {
    pub header: Vec<(String, Value)>,
    pub claims: Vec<(String, Value)>,
}

/// Decodes a token for showing it; `None` when it is no JWT at all.
pub fn decode_unverified(token: &str) -> Option<DecodedJws> {
    let jws = Jws::split(token).filter(|_| token.len() <= MAX_SHOWN)?;
    let read = |json: &[u8]| Members::parse(json).map(Members::into_vec);
    Some(DecodedJws { header: read(&jws.header)?, claims: read(&jws.payload)? })
}

/// The members of a JSON object, in the order in which they were written.
///
/// serde's maps keep the last of two members with one name, other parsers keep
/// the first: a token with two `sub` would be two people (RFC 7515 §4, RFC 7519
/// §4). So all of them are kept, and counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(Vec<(String, Value)>);

impl Members {
    /// Reads an object and nothing else; `None` when it is none.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let (members, end) = Self::parse_partial(std::str::from_utf8(json).ok()?);
        end.ok().map(|()| members)
    }

    /// Reads an object as far as it goes, every member that is whole, and says why
    /// it goes no further.
    pub fn parse_partial(text: &str) -> (Self, serde_json::Result<()>) {
        let mut members = Vec::new();
        let mut json = serde_json::Deserializer::from_str(text);
        let end = json.deserialize_map(Collect(&mut members)).and_then(|()| json.end());
        let breaks_off = end.as_ref().is_err_and(serde_json::Error::is_eof);
        if breaks_off && text.ends_with(|c: char| c.is_ascii_digit()) {
            // A number that ends with the text may have had more digits.
            members.pop_if(|(_, value)| value.is_number());
        }
        (Self(members), end)
    }

    /// A name that stands more than once.
    pub fn duplicate(&self) -> Option<&str> {
        // A set, not two loops: a header of 16 kB has room for thousands of members.
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

/// Puts the members away one by one, so that they are there when the text
/// breaks off.
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
