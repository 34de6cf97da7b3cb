//! Why a token is refused.

use strum::{EnumIter, IntoStaticStr};

/// The reason to refuse a token: one for each kind of fault, each with its
/// [code](TokenError::code). As text it is one sentence, with nothing of the token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, EnumIter, IntoStaticStr)]
#[strum(const_into_str, serialize_all = "snake_case", prefix = "token_")]
pub enum TokenError {
    #[error("The token is larger than any that is issued here.")]
    TooLarge,
    #[error("The token is not a signed JSON Web Token.")]
    Malformed,
    /// A name twice in the header (RFC 7515 §4).
    #[error("The token's header names something twice.")]
    HeaderDuplicate,
    #[error("The token's header has no usable {0}.")]
    HeaderInvalid(&'static str),
    /// `alg: none`, in any spelling (RFC 8725 §3.2).
    #[error("The token is not signed at all.")]
    AlgorithmNone,
    /// An extension that has to be understood, and is not (RFC 7515 §4.1.11);
    /// or `b64`, which is one (RFC 7797 §6).
    #[error("The token relies on an extension that is not supported here.")]
    CriticalHeader,
    /// It brings a key along, or says where to fetch one (RFC 8725 §3.10).
    #[error("The token brings its own key. Only the keys of this service count.")]
    #[strum(to_string = "key_embedded")]
    EmbeddedKey,
    /// Not `at+jwt`: an ID token, a logout token (RFC 8725 §3.11, RFC 9068 §4).
    #[error("The token is not an access token.")]
    TypeWrong,
    /// A `kid` that is not in the ring, or no longer; perhaps not yet: read the
    /// ring anew before believing it.
    #[error("The token is signed with a key that is unknown or no longer accepted.")]
    #[strum(to_string = "key_unknown")]
    UnknownKey,
    /// An algorithm that is not its key's (RFC 8725 §3.1).
    #[error("The token names another algorithm than its key has.")]
    AlgorithmMismatch,
    #[error("The token's signature is not valid.")]
    SignatureInvalid,
    /// A name twice in the claims (RFC 7519 §4).
    #[error("The token makes a claim twice.")]
    ClaimDuplicate,
    /// A required claim is not there (RFC 9068 §2.2).
    #[error("The token lacks the claim {0}.")]
    ClaimMissing(&'static str),
    #[error("The token's claim {0} cannot be read.")]
    ClaimInvalid(&'static str),
    #[error("The token was issued by somebody else.")]
    IssuerWrong,
    #[error("The token is meant for another service.")]
    AudienceWrong,
    #[error("The token has expired.")]
    Expired,
    #[error("The token is not valid yet.")]
    NotYetValid,
}

impl TokenError {
    /// The code by which programs know it. It never changes.
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
    fn codes_and_sentences_are_distinct() {
        let codes: HashSet<_> = TokenError::iter().map(TokenError::code).collect();
        let said: HashSet<_> = TokenError::iter().map(|error| error.to_string()).collect();
        assert_eq!((codes.len(), said.len()), (18, 18));
        assert!(codes.iter().all(|code| code.starts_with("token_")));
        assert!(said.iter().all(|said| said.ends_with('.')));
    }
}
