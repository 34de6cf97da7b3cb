//! How the provider can be told to misbehave, for one authorization at a time.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use strum::{EnumIter, EnumMessage, IntoEnumIterator, IntoStaticStr};

use crate::provider::Provider;

const DELAY: Duration = Duration::from_secs(10);

/// A fault that the person at the consent page, or a test, switches on. The form field has its name
/// in snake case; what it says on the page is its message and, below that, its documentation.
///
/// It is kept with the authorization code, so that two tests at once do not disturb each other.
/// [`Misbehaviour::RotatedKeys`] alone affects everybody: there is one key set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, EnumMessage, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Misbehaviour {
    #[default]
    /// Everything as the standard says.
    #[strum(message = "Behave")]
    None,
    /// The token endpoint answers 500.
    #[strum(message = "Server error")]
    ServerError,
    /// The token endpoint takes ten seconds to answer.
    #[strum(message = "Ten seconds late")]
    Late,
    /// The token endpoint answers 200 with something that is not JSON.
    #[strum(message = "Garbage instead of a token")]
    GarbageToken,
    /// The redirect back names another issuer (RFC 9207).
    #[strum(message = "Wrong iss in the answer")]
    WrongResponseIss,
    /// The ID token has the nonce of another sign-in.
    #[strum(message = "Wrong nonce")]
    WrongNonce,
    /// One bit of the ID token’s signature is flipped.
    #[strum(message = "Bad signature")]
    BadSignature,
    /// The ID token says alg none and has no signature.
    #[strum(message = "No signature")]
    Unsigned,
    /// The ID token expired an hour ago.
    #[strum(message = "Expired ID token")]
    ExpiredIdToken,
    /// The ID token names another issuer.
    #[strum(message = "Foreign ID token")]
    WrongIssuer,
    /// The ID token was issued to another app.
    #[strum(message = "Wrong audience")]
    WrongAudience,
    /// The token answer has no ID token, though openid was granted.
    #[strum(message = "No ID token")]
    MissingIdToken,
    /// A new signing key comes into use now. A good app still signs you in.
    #[strum(message = "Rotated keys")]
    RotatedKeys,
    /// Userinfo has another sub than the ID token.
    #[strum(message = "Another person at userinfo")]
    OtherSub,
    /// The API refuses, as if it was called too often.
    #[strum(message = "Rate limit")]
    RateLimited,
    /// Offline access was granted, but no refresh token comes.
    #[strum(message = "No refresh token")]
    NoRefreshToken,
    /// Every refresh is refused, as if the grant had expired.
    #[strum(message = "Refresh refused")]
    RefreshRefused,
    /// Each refresh brings a new refresh token. The old one works once more, within a minute; using
    /// it after that revokes all of them.
    #[strum(message = "Rotating refresh token")]
    RefreshRotates,
    /// Every refresh is answered 500. The grant stays valid.
    #[strum(message = "Refresh fails")]
    RefreshFails,
    /// Every refresh takes ten seconds.
    #[strum(message = "Refresh ten seconds late")]
    RefreshLate,
    /// The first two attempts to revoke are answered 500, the third works.
    #[strum(message = "Revocation fails twice")]
    RevocationFails,
}

impl Misbehaviour {
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The ones that make sense in a provider's dialect.
    pub fn of(provider: Provider) -> impl Iterator<Item = Self> {
        Self::iter().filter(move |one| one.is_spoken_by(provider))
    }

    pub fn parse(provider: Provider, key: Option<&str>) -> Option<Self> {
        key.map_or(Some(Self::None), |key| Self::of(provider).find(|one| one.key() == key))
    }

    const fn is_spoken_by(self, provider: Provider) -> bool {
        match self {
            Self::None
            | Self::ServerError
            | Self::Late
            | Self::GarbageToken
            | Self::RevocationFails => true,
            Self::RateLimited => !matches!(provider, Provider::Google),
            _ => matches!(provider, Provider::Google),
        }
    }

    pub fn key(self) -> &'static str {
        self.into()
    }

    pub fn title(self) -> &'static str {
        self.get_message().unwrap_or_default()
    }

    pub fn sentence(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// What a token endpoint answers to a code instead of the truth; `None` means the truth, perhaps
    /// late.
    ///
    /// The code is used up by then, as it would be at a real provider that fails halfway.
    pub async fn fault_of_code(self) -> Option<Response> {
        match self {
            Self::ServerError => return Some(told_to_fail()),
            Self::GarbageToken => {
                let garbage = "<!doctype html><title>Not a token</title>";
                return Some(([(CONTENT_TYPE, "application/json")], garbage).into_response());
            }
            Self::Late => tokio::time::sleep(DELAY).await,
            _ => {}
        }
        None
    }

    /// The same for a refresh. The refresh token stays as good as it was.
    pub async fn fault_of_refresh(self) -> Option<Response> {
        if self == Self::RefreshLate {
            tokio::time::sleep(DELAY).await;
        }
        (self == Self::RefreshFails).then(told_to_fail)
    }
}

pub fn told_to_fail() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "The local provider was told to fail here.").into_response()
}
