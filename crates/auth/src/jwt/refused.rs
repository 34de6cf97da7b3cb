//! Why a token is refused.

/// The reason to refuse a token: one for each kind of fault, each with its
/// [code](Refused::code). As text it is one sentence, with nothing of the token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// Longer than any token of ours.
    #[error("The token is larger than any that is issued here.")]
    TooLarge,
    /// Not three parts of strict base64url, or no JSON objects in them.
    #[error("The token is not a signed JSON Web Token.")]
    Malformed,
    /// A name twice in the header (RFC 7515 §4).
    #[error("The token's header names something twice.")]
    HeaderDuplicate,
    /// A member of the header is missing, or not a text.
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
    EmbeddedKey,
    /// Not `at+jwt`: an ID token, a logout token (RFC 8725 §3.11, RFC 9068 §4).
    #[error("The token is not an access token.")]
    TypeWrong,
    /// A `kid` that is not in the ring, or no longer; perhaps not yet: read the
    /// ring anew before believing it.
    #[error("The token is signed with a key that is unknown or no longer accepted.")]
    UnknownKey,
    /// An algorithm that is not its key's (RFC 8725 §3.1).
    #[error("The token names another algorithm than its key has.")]
    AlgorithmMismatch,
    /// Altered, or signed by somebody else.
    #[error("The token's signature is not valid.")]
    SignatureInvalid,
    /// A name twice in the claims (RFC 7519 §4).
    #[error("The token makes a claim twice.")]
    ClaimDuplicate,
    /// A required claim is not there (RFC 9068 §2.2).
    #[error("The token lacks the claim {0}.")]
    ClaimMissing(&'static str),
    /// A claim is not of its type.
    #[error("The token's claim {0} cannot be read.")]
    ClaimInvalid(&'static str),
    /// Somebody else issued it.
    #[error("The token was issued by somebody else.")]
    IssuerWrong,
    /// It is meant for somebody else, or for others too.
    #[error("The token is meant for another service.")]
    AudienceWrong,
    #[error("The token has expired.")]
    Expired,
    /// Its time has not come: `nbf` or `iat` lies in the future.
    #[error("The token is not valid yet.")]
    NotYetValid,
}

impl Refused {
    /// Every kind once, for a catalogue; those about one member or claim name
    /// an example.
    pub const EACH: [Self; 18] = [
        Self::TooLarge,
        Self::Malformed,
        Self::HeaderDuplicate,
        Self::HeaderInvalid("kid"),
        Self::AlgorithmNone,
        Self::CriticalHeader,
        Self::EmbeddedKey,
        Self::TypeWrong,
        Self::UnknownKey,
        Self::AlgorithmMismatch,
        Self::SignatureInvalid,
        Self::ClaimDuplicate,
        Self::ClaimMissing("exp"),
        Self::ClaimInvalid("exp"),
        Self::IssuerWrong,
        Self::AudienceWrong,
        Self::Expired,
        Self::NotYetValid,
    ];

    /// The code by which programs know it. It never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "token_too_large",
            Self::Malformed => "token_malformed",
            Self::HeaderDuplicate => "token_header_duplicate",
            Self::HeaderInvalid(_) => "token_header_invalid",
            Self::AlgorithmNone => "token_algorithm_none",
            Self::CriticalHeader => "token_critical_header",
            Self::EmbeddedKey => "token_key_embedded",
            Self::TypeWrong => "token_type_wrong",
            Self::UnknownKey => "token_key_unknown",
            Self::AlgorithmMismatch => "token_algorithm_mismatch",
            Self::SignatureInvalid => "token_signature_invalid",
            Self::ClaimDuplicate => "token_claim_duplicate",
            Self::ClaimMissing(_) => "token_claim_missing",
            Self::ClaimInvalid(_) => "token_claim_invalid",
            Self::IssuerWrong => "token_issuer_wrong",
            Self::AudienceWrong => "token_audience_wrong",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_sentences_are_distinct() {
        let codes: HashSet<_> = Refused::EACH.iter().map(|refused| refused.code()).collect();
        let said: HashSet<_> = Refused::EACH.iter().map(ToString::to_string).collect();
        assert_eq!((codes.len(), said.len()), (Refused::EACH.len(), Refused::EACH.len()));
        assert!(codes.iter().all(|code| code.starts_with("token_")));
        assert!(said.iter().all(|said| said.ends_with('.')));
    }
}
