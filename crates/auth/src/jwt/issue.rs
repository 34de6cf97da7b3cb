//! Issuing an access token.

use jsonwebtoken::Header;

use super::{AccessClaims, KeyError, SigningKey, TYPE};

/// Signs claims (RFC 7515 §5.1). The header names the algorithm, the key and
/// the type of the token (RFC 9068 §2.1), and nothing else.
///
/// # Errors
/// When the key does not sign.
pub fn issue(key: &SigningKey, claims: &AccessClaims) -> Result<String, KeyError> {
    let mut header = Header::new(key.algorithm().in_jsonwebtoken());
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(key.kid().to_owned());
    jsonwebtoken::encode(&header, claims, key.encoding())
        .map_err(|_| KeyError::DoesNotSign(key.algorithm()))
}
