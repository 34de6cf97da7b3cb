//! Why a token is rejected.

use strum::{EnumIter, IntoStaticStr};

/// Why a token is rejected. The text is one sentence and never contains parts of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, EnumIter, IntoStaticStr)]
#[strum(const_into_str, serialize_all = "snake_case", prefix = "token_")]
pub enum TokenError {
    #[error("The token is larger than any that is issued here.")]
    TooLarge,
    #[error("The token is not a signed JSON Web Token.")]
    Malformed,
    /// RFC 7515 §4.
    #[error("The token's header has a duplicate member.")]
    HeaderDuplicate,
    #[error("The token's header has no valid {0}.")]
    HeaderInvalid(&'static str),
    /// `alg: none`, in upper or lower case (RFC 8725 §3.2).
    #[error("The token is not signed.")]
    AlgorithmNone,
    /// `crit` (RFC 7515 §4.1.11) or `b64` (RFC 7797 §6).
    #[error("The token requires an extension that is not supported here.")]
    CriticalHeader,
    /// It contains a key or the URL of one (RFC 8725 §3.10).
    #[error("The token brings its own key. Only the keys of this service are accepted.")]
    #[strum(to_string = "key_embedded")]
    EmbeddedKey,
    /// Not `at+jwt`, but for example an ID token (RFC 8725 §3.11, RFC 9068 §4).
    #[error("The token is not an access token.")]
    TypeWrong,
    /// The `kid` is not in the ring. It may be new: reload the ring first.
    #[error("The token is signed with a key that is unknown or no longer accepted.")]
    #[strum(to_string = "key_unknown")]
    UnknownKey,
    /// RFC 8725 §3.1.
    #[error("The token names another algorithm than its key has.")]
    AlgorithmMismatch,
    #[error("The token's signature is not valid.")]
    SignatureInvalid,
    /// RFC 7519 §4.
    #[error("The token has a duplicate claim.")]
    ClaimDuplicate,
    /// RFC 9068 §2.2.
    #[error("The token lacks the claim {0}.")]
    ClaimMissing(&'static str),
    #[error("The token's claim {0} is not valid.")]
    ClaimInvalid(&'static str),
    #[error("The token was issued by another issuer.")]
    IssuerWrong,
    #[error("The token is meant for another service.")]
    AudienceWrong,
    #[error("The token has expired.")]
    Expired,
    #[error("The token is not valid yet.")]
    NotYetValid,
}

impl TokenError {
    /// Stable, for programs.
    pub const fn code(self) -> &'static str {
        self.into_str()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn token_error_codes_and_messages_are_unique() {
        let codes: HashSet<_> = TokenError::iter().map(TokenError::code).collect();
        let texts: HashSet<_> = TokenError::iter().map(|error| error.to_string()).collect();
        assert_eq!((codes.len(), texts.len()), (18, 18));
        assert!(codes.iter().all(|code| code.starts_with("token_")));
        assert!(texts.iter().all(|text| text.ends_with('.')));
    }
}
