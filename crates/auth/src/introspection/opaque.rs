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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_apart() {
        let header = base64url::encode(r#"{"alg":"EdDSA","typ":"at+jwt"}"#);
        for (token, opaque) in [
            ("2YotnFZFEjr1zCsicMWpAA", true),
            ("ya29.a0AfH6SMB-x_y~z", true),
            ("EAAG/with+pad==", true),
            ("a.b.c", true),
            ("..", true),
            (&format!("{header}.e30.c2ln"), false),
            (&format!("{header}.e30.c2ln="), false),
            (&format!("{header}.e30.c2ln.more"), false),
            (&format!("{header}.x"), false),
            ("e30.e30.c2ln", false), // {} names no algorithm, and is no opaque token either
            ("W10.e30.c2ln", false), // [] instead of a header, before claims
            ("AAAA.e30.", false),
            ("AAAA.W10.c2ln", true),
            ("AAAA.e30.c2ln.more", true),
            ("a~a.e30.c2ln", true),
            (&header, true),
            ("", false),
            ("==", false),
            ("a=b", false),
            ("a b", false),
            ("a\u{e9}", false),
            ("a\"b", false),
            (&"a".repeat(MAX_BYTES), true),
            (&"a".repeat(MAX_BYTES + 1), false),
        ] {
            assert_eq!(is_opaque(token), opaque, "{token:.40}");
        }
    }
}
