//! How the provider can be told to misbehave, for one authorization at a time.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use strum::{EnumIter, EnumMessage, IntoEnumIterator, IntoStaticStr};

use crate::provider::Provider;

const DELAY: Duration = Duration::from_secs(10);

/// A fault that the person at the consent page, or a test, switches on. The form field has its name
/// in snake case.
///
/// It is kept with the authorization code, so that two tests at once do not disturb each other.
/// [`Misbehaviour::RotatedKeys`] alone affects everybody: there is one key set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, EnumMessage, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Misbehaviour {
    #[default]
    #[strum(message = "Behave", detailed_message = "Everything as the standard says.")]
    None,
    #[strum(message = "Server error", detailed_message = "The token endpoint answers 500.")]
    ServerError,
    #[strum(
        message = "Ten seconds late",
        detailed_message = "The token endpoint takes ten seconds to answer."
    )]
    Late,
    #[strum(
        message = "Garbage instead of a token",
        detailed_message = "The token endpoint answers 200 with something that is not JSON."
    )]
    GarbageToken,
    #[strum(
        message = "Wrong iss in the answer",
        detailed_message = "The redirect back names another issuer (RFC 9207)."
    )]
    WrongResponseIss,
    #[strum(
        message = "Wrong nonce",
        detailed_message = "The ID token has the nonce of another sign-in."
    )]
    WrongNonce,
    #[strum(
        message = "Bad signature",
        detailed_message = "One bit of the ID token’s signature is flipped."
    )]
    BadSignature,
    #[strum(
        message = "No signature",
        detailed_message = "The ID token says alg none and has no signature."
    )]
    Unsigned,
    #[strum(message = "Expired ID token", detailed_message = "The ID token expired an hour ago.")]
    ExpiredIdToken,
    #[strum(message = "Foreign ID token", detailed_message = "The ID token names another issuer.")]
    WrongIssuer,
    #[strum(
        message = "Wrong audience",
        detailed_message = "The ID token was issued to another app."
    )]
    WrongAudience,
    #[strum(
        message = "No ID token",
        detailed_message = "The token answer has no ID token, though openid was granted."
    )]
    MissingIdToken,
    #[strum(
        message = "Rotated keys",
        detailed_message = "A new signing key comes into use now. A good app still signs you in."
    )]
    RotatedKeys,
    #[strum(
        message = "Another person at userinfo",
        detailed_message = "Userinfo has another sub than the ID token."
    )]
    OtherSub,
    #[strum(
        message = "Rate limit",
        detailed_message = "The API refuses, as if it was called too often."
    )]
    RateLimited,
    #[strum(
        message = "No refresh token",
        detailed_message = "Offline access was granted, but no refresh token comes."
    )]
    NoRefreshToken,
    #[strum(
        message = "Refresh refused",
        detailed_message = "Every refresh is answered invalid_grant, as if it had expired."
    )]
    RefreshRefused,
    #[strum(
        message = "Rotating refresh token",
        detailed_message = "Each refresh brings a new refresh token. The old one works once more, \
                            within a minute; using it after that revokes all of them."
    )]
    RefreshRotates,
    #[strum(
        message = "Refresh fails",
        detailed_message = "Every refresh is answered 500. The grant stays valid."
    )]
    RefreshFails,
    #[strum(
        message = "Refresh ten seconds late",
        detailed_message = "Every refresh takes ten seconds."
    )]
    RefreshLate,
    #[strum(
        message = "Revocation fails twice",
        detailed_message = "The first two attempts to revoke are answered 500, the third works."
    )]
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
        self.get_detailed_message().unwrap_or_default()
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
        match self {
            Self::RefreshFails => return Some(told_to_fail()),
            Self::RefreshLate => tokio::time::sleep(DELAY).await,
            _ => {}
        }
        None
    }
}

pub fn told_to_fail() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "The local provider was told to fail here.").into_response()
}
