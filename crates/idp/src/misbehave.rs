//! Faults that the provider can simulate, one per authorization.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use strum::{EnumIter, EnumMessage, IntoEnumIterator, IntoStaticStr};

use crate::provider::Provider;

const DELAY: Duration = Duration::from_secs(10);

/// A fault, selected on the consent page or by a test. The form field has its name in snake case;
/// the page shows its message as the title and its documentation as the description.
///
/// It is stored with the authorization code, so that concurrent tests do not affect each other,
/// except for [`Misbehaviour::RotatedKeys`]: there is only one key set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, EnumMessage, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Misbehaviour {
    #[default]
    /// Everything follows the standards.
    #[strum(message = "No fault")]
    None,
    /// The token endpoint responds with 500.
    #[strum(message = "Server error")]
    ServerError,
    /// The token endpoint takes ten seconds to respond.
    #[strum(message = "Slow token response")]
    Late,
    /// The token endpoint responds with 200 and a body that is not JSON.
    #[strum(message = "Invalid token response")]
    GarbageToken,
    /// The redirect back to the app names another issuer (RFC 9207).
    #[strum(message = "Wrong iss in the redirect")]
    WrongResponseIss,
    /// The ID token has the nonce of another sign-in.
    #[strum(message = "Wrong nonce")]
    WrongNonce,
    /// One bit of the ID token’s signature is flipped.
    #[strum(message = "Bad signature")]
    BadSignature,
    /// The ID token has alg none and no signature.
    #[strum(message = "No signature")]
    Unsigned,
    /// The ID token expired an hour ago.
    #[strum(message = "Expired ID token")]
    ExpiredIdToken,
    /// The ID token names another issuer.
    #[strum(message = "Wrong issuer")]
    WrongIssuer,
    /// The ID token was issued to another app.
    #[strum(message = "Wrong audience")]
    WrongAudience,
    /// The token response has no ID token, although openid was granted.
    #[strum(message = "No ID token")]
    MissingIdToken,
    /// The provider switches to a new signing key. A good app still signs you in.
    #[strum(message = "Rotated keys")]
    RotatedKeys,
    /// Userinfo returns another sub than the ID token.
    #[strum(message = "Wrong sub at userinfo")]
    OtherSub,
    /// The API refuses requests, as if it had been called too often.
    #[strum(message = "Rate limit")]
    RateLimited,
    /// Offline access is granted, but without a refresh token.
    #[strum(message = "No refresh token")]
    NoRefreshToken,
    /// Every refresh is refused, as if the grant had expired.
    #[strum(message = "Refresh refused")]
    RefreshRefused,
    /// Each refresh returns a new refresh token. The old one works once more, within one minute;
    /// any further use revokes all of them.
    #[strum(message = "Rotating refresh token")]
    RefreshRotates,
    /// Every refresh fails with 500. The grant stays valid.
    #[strum(message = "Refresh fails")]
    RefreshFails,
    /// Every refresh takes ten seconds.
    #[strum(message = "Slow refresh")]
    RefreshLate,
    /// The first two attempts to revoke fail with 500, the third succeeds.
    #[strum(message = "Revocation fails twice")]
    RevocationFails,
}

impl Misbehaviour {
    /// The faults that exist in a provider's dialect.
    pub fn for_provider(provider: Provider) -> impl Iterator<Item = Self> {
        Self::iter().filter(move |one| one.applies_to(provider))
    }

    pub fn parse(provider: Provider, key: Option<&str>) -> Option<Self> {
        key.map_or(Some(Self::None), |key| {
            Self::for_provider(provider).find(|one| one.key() == key)
        })
    }

    const fn applies_to(self, provider: Provider) -> bool {
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

    pub fn description(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// The faulty response to a code, if any; may wait first. The code has been used up.
    pub async fn code_fault(self) -> Option<Response> {
        match self {
            Self::ServerError => return Some(simulated_failure()),
            Self::GarbageToken => {
                let garbage = "<!doctype html><title>Not a token</title>";
                return Some(([(CONTENT_TYPE, "application/json")], garbage).into_response());
            }
            Self::Late => tokio::time::sleep(DELAY).await,
            _ => {}
        }
        None
    }

    /// The faulty response to a refresh, if any; may wait first. The refresh token stays valid.
    pub async fn refresh_fault(self) -> Option<Response> {
        if self == Self::RefreshLate {
            tokio::time::sleep(DELAY).await;
        }
        (self == Self::RefreshFails).then(simulated_failure)
    }
}

pub fn simulated_failure() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "This failure was requested on the consent page.")
        .into_response()
}
