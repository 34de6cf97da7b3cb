//! A signed token in compact serialization (RFC 7515 §7.1).

use serde_json::Value;

use super::base64url::decode;
use super::members::Members;

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
