//! How the provider can be told to misbehave, for one authorization at a time.

use crate::Provider;

/// A fault that the person at the consent page, or a test, switches on.
///
/// It is kept with the authorization code, so that two tests at once do not disturb each other.
/// [`Misbehaviour::RotatedKeys`] alone is felt by all: there is one key set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    #[default]
    None,
    ServerError,
    Late,
    GarbageToken,
    WrongResponseIss,
    WrongNonce,
    BadSignature,
    Unsigned,
    ExpiredIdToken,
    WrongIssuer,
    WrongAudience,
    MissingIdToken,
    RotatedKeys,
    OtherSub,
    RateLimited,
    NoRefreshToken,
    RefreshRefused,
    RefreshRotates,
    RefreshFails,
    RefreshLate,
    RevocationFails,
}

impl Misbehaviour {
    const ALL: [Self; 21] = [
        Self::None,
        Self::ServerError,
        Self::Late,
        Self::GarbageToken,
        Self::WrongResponseIss,
        Self::WrongNonce,
        Self::BadSignature,
        Self::Unsigned,
        Self::ExpiredIdToken,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::MissingIdToken,
        Self::RotatedKeys,
        Self::OtherSub,
        Self::RateLimited,
        Self::NoRefreshToken,
        Self::RefreshRefused,
        Self::RefreshRotates,
        Self::RefreshFails,
        Self::RefreshLate,
        Self::RevocationFails,
    ];

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter()
    }

    /// The ones that make sense in a provider's dialect.
    pub(crate) fn of(provider: Provider) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |one| one.is_spoken_by(provider))
    }

    /// Reads the form field `misbehave`; nothing said means nothing done.
    pub(crate) fn parse(provider: Provider, key: Option<&str>) -> Option<Self> {
        let Some(key) = key else {
            return Some(Self::None);
        };
        Self::of(provider).find(|one| one.key() == key)
    }

    const fn is_spoken_by(self, provider: Provider) -> bool {
        match self {
            Self::None
            | Self::ServerError
            | Self::Late
            | Self::GarbageToken
            | Self::RevocationFails => true,
            Self::RateLimited => matches!(provider, Provider::Github | Provider::Facebook),
            Self::WrongResponseIss
            | Self::WrongNonce
            | Self::BadSignature
            | Self::Unsigned
            | Self::ExpiredIdToken
            | Self::WrongIssuer
            | Self::WrongAudience
            | Self::MissingIdToken
            | Self::RotatedKeys
            | Self::OtherSub
            | Self::NoRefreshToken
            | Self::RefreshRefused
            | Self::RefreshRotates
            | Self::RefreshFails
            | Self::RefreshLate => matches!(provider, Provider::Google),
        }
    }

    /// The value of the form field.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ServerError => "server_error",
            Self::Late => "late",
            Self::GarbageToken => "garbage_token",
            Self::WrongResponseIss => "wrong_response_iss",
            Self::WrongNonce => "wrong_nonce",
            Self::BadSignature => "bad_signature",
            Self::Unsigned => "unsigned",
            Self::ExpiredIdToken => "expired_id_token",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::MissingIdToken => "missing_id_token",
            Self::RotatedKeys => "rotated_keys",
            Self::OtherSub => "other_sub",
            Self::RateLimited => "rate_limited",
            Self::NoRefreshToken => "no_refresh_token",
            Self::RefreshRefused => "refresh_refused",
            Self::RefreshRotates => "refresh_rotates",
            Self::RefreshFails => "refresh_fails",
            Self::RefreshLate => "refresh_late",
            Self::RevocationFails => "revocation_fails",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::None => "Behave",
            Self::ServerError => "Server error",
            Self::Late => "Ten seconds late",
            Self::GarbageToken => "Garbage instead of a token",
            Self::WrongResponseIss => "Wrong iss in the answer",
            Self::WrongNonce => "Wrong nonce",
            Self::BadSignature => "Bad signature",
            Self::Unsigned => "No signature",
            Self::ExpiredIdToken => "Expired ID token",
            Self::WrongIssuer => "Foreign ID token",
            Self::WrongAudience => "Wrong audience",
            Self::MissingIdToken => "No ID token",
            Self::RotatedKeys => "Rotated keys",
            Self::OtherSub => "Another person at userinfo",
            Self::RateLimited => "Rate limit",
            Self::NoRefreshToken => "No refresh token",
            Self::RefreshRefused => "Refresh refused",
            Self::RefreshRotates => "Rotating refresh token",
            Self::RefreshFails => "Refresh fails",
            Self::RefreshLate => "Refresh ten seconds late",
            Self::RevocationFails => "Revocation fails twice",
        }
    }

    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::None => "Everything as the standard says.",
            Self::ServerError => "The token endpoint answers 500.",
            Self::Late => "The token endpoint takes ten seconds to answer.",
            Self::GarbageToken => "The token endpoint answers 200 with something that is no JSON.",
            Self::WrongResponseIss => "The redirect back names another issuer (RFC 9207).",
            Self::WrongNonce => "The ID token carries the nonce of another sign-in.",
            Self::BadSignature => "One bit of the ID token's signature is flipped.",
            Self::Unsigned => "The ID token says alg none and carries no signature.",
            Self::ExpiredIdToken => "The ID token ended an hour ago.",
            Self::WrongIssuer => "The ID token names another issuer.",
            Self::WrongAudience => "The ID token is made out to another app.",
            Self::MissingIdToken => "The token answer has no ID token, though openid was granted.",
            Self::RotatedKeys => {
                "A new signing key comes into use just now. A good app still signs you in."
            }
            Self::OtherSub => "Userinfo speaks of another sub than the ID token.",
            Self::RateLimited => "The API refuses, as if called too often.",
            Self::NoRefreshToken => "Offline access was granted, and no refresh token comes.",
            Self::RefreshRefused => "Every refresh is answered invalid_grant, as if it had ended.",
            Self::RefreshRotates => {
                "Each refresh brings a new refresh token. The old one is good once more, for a \
                 minute; after that its use ends all of them."
            }
            Self::RefreshFails => "Every refresh is answered 500. The grant lives on.",
            Self::RefreshLate => "Every refresh takes ten seconds.",
            Self::RevocationFails => {
                "The first two attempts to end the grant are answered 500, the third works."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_where_they_make_sense() {
        for provider in Provider::ALL {
            for one in Misbehaviour::of(provider) {
                let read = Misbehaviour::parse(provider, Some(one.key()));
                assert_eq!(read, Some(one));
            }
        }
        for (provider, key, expected) in [
            (Provider::Google, None, Some(Misbehaviour::None)),
            (Provider::Google, Some("wrong_nonce"), Some(Misbehaviour::WrongNonce)),
            (Provider::Google, Some("rate_limited"), None),
            (Provider::Github, Some("wrong_nonce"), None),
            (Provider::Facebook, Some("bad_signature"), None),
            (Provider::Google, Some("nonsense"), None),
        ] {
            assert_eq!(Misbehaviour::parse(provider, key), expected, "{key:?}");
        }
    }
}
