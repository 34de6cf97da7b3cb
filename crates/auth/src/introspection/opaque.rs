//! Is a bearer token one of our JWTs, or somebody else's opaque one?

use crate::jose::{Members, base64url};
use crate::tokens::verify::MAX_BYTES;

/// Whether a token is worth asking its issuer about.
///
/// What begins like a JWT, with a JSON object in base64url, is judged as one,
/// however damaged the rest, and so is one whose header alone is damaged: its own
/// checks say best what is wrong with it, and nobody is told the claims of a forgery.
/// What has a character that no bearer token has
/// (RFC 6750 §2.1 `b64token`), or is too long for any, is nobody's token.
pub fn is_opaque(token: &str) -> bool {
    let signs = token.trim_end_matches('=');
    let is_token = token.len() <= MAX_BYTES
        && !signs.is_empty()
        && signs.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    is_token && !begins_like_a_jwt(token) && !has_claims(token)
}

fn begins_like_a_jwt(token: &str) -> bool {
    let Some((header, _)) = token.split_once('.') else { return false };
    base64url::decode(header).is_some_and(|json| Members::parse(&json).is_some())
}

/// Three parts in base64url, the second of which is a JSON object.
fn has_claims(token: &str) -> bool {
    let parts: Option<Vec<_>> = token.split('.').map(base64url::decode).collect();
    matches!(parts.as_deref(), Some([_, claims, _]) if Members::parse(claims).is_some())
}
