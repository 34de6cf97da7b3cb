//! Is a bearer token one of our JWTs, or somebody else's opaque one?

use crate::jose::{Members, base64url};
use crate::tokens::verify::MAX_BYTES;

/// Whether a token is worth asking its issuer about.
///
/// What begins like a JWT, with a JSON object in base64url, is judged as one,
/// however damaged the rest: its own checks say best what is wrong with it, and
/// nobody is asked about a forgery. What has a character that no bearer token has
/// (RFC 6750 §2.1 `b64token`), or is too long for any, is nobody's token.
pub fn is_opaque(token: &str) -> bool {
    let signs = token.trim_end_matches('=');
    let is_token = token.len() <= MAX_BYTES
        && !signs.is_empty()
        && signs.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    is_token && !begins_like_a_jwt(token)
}

fn begins_like_a_jwt(token: &str) -> bool {
    let Some((header, _)) = token.split_once('.') else { return false };
    base64url::decode(header).is_some_and(|json| Members::parse(&json).is_some())
}
