//! Errors of OAuth calls to a provider.

use ::http::StatusCode;

use latchkey_domain::{Span, Subject};

use crate::http;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The user declined (RFC 6749 §4.1.2.1 `access_denied`).
    #[error("the user declined at the provider")]
    Declined,
    #[error("the provider answered {code}")]
    Refused {
        /// A code of RFC 6749 §4.1.2.1 or of an extension.
        code: String,
    },
    /// The authorization response is forged or damaged.
    #[error("the authorization response is not valid: {0}")]
    Response(&'static str),
    #[error("{step}: {source}")]
    Unreachable { step: Step, source: http::Error },
    #[error("{step}: the provider answered {status}")]
    ProviderUnavailable { step: Step, status: StatusCode },
    #[error("{step}: {what}")]
    InvalidResponse { step: Step, what: String },
    /// The code or the refresh token is used, expired, revoked, or not ours
    /// (RFC 6749 §5.2 `invalid_grant`).
    #[error("the provider rejected the code or the refresh token")]
    InvalidGrant,
    /// The token request failed for a reason that only the site's owner can fix, such as a
    /// wrong secret or an unregistered redirect URI (RFC 6749 §5.2).
    #[error("the provider refused the token request: {code}")]
    TokenRefused {
        /// A code of RFC 6749 §5.2 or the provider's own.
        code: String,
    },
    #[error("the clocks of this machine and the provider differ by {apart}")]
    ClockSkew { apart: Span },
    /// OpenID Connect Core §3.1.3.7.
    #[error("the ID token was refused: {0}")]
    IdToken(#[from] super::id_token::IdTokenError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub enum Step {
    /// OpenID Connect Discovery §4.
    #[strum(to_string = "discovery")]
    Discovery,
    /// OpenID Connect Core §10.1.1.
    #[strum(to_string = "the key set")]
    Keys,
    /// RFC 6749 §4.1.3.
    #[strum(to_string = "the token request")]
    Token,
    #[strum(to_string = "the profile")]
    Profile,
    /// RFC 7009 §2.1, or the provider's own API.
    #[strum(to_string = "the revocation")]
    Revocation,
    #[strum(to_string = "the service")]
    Service,
}

impl Error {
    /// For `map_err` on a call without a response.
    pub(crate) fn unreachable(step: Step) -> impl Fn(http::Error) -> Self {
        move |source| match source {
            // The provider was reached.
            http::Error::TooLarge | http::Error::Request => {
                Self::InvalidResponse { step, what: source.to_string() }
            }
            source => Self::Unreachable { step, source },
        }
    }

    pub(crate) fn invalid_response(step: Step, what: impl Into<String>) -> Self {
        Self::InvalidResponse { step, what: what.into() }
    }

    pub(crate) fn subject(text: String) -> Result<Subject, Self> {
        Subject::new(text).map_err(|error| Self::invalid_response(Step::Profile, error.to_string()))
    }

    /// For providers that report a rate limit with another status.
    pub(crate) fn rate_limited(step: Step) -> Self {
        Self::ProviderUnavailable { step, status: StatusCode::TOO_MANY_REQUESTS }
    }

    pub(crate) fn status(step: Step, status: StatusCode) -> Self {
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            Self::ProviderUnavailable { step, status }
        } else {
            Self::invalid_response(step, format!("it answered {status}"))
        }
    }
}

/// The JSON document of a 200 response.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    step: Step,
    response: &::http::Response<Vec<u8>>,
) -> Result<T, Error> {
    if response.status() != StatusCode::OK {
        return Err(Error::status(step, response.status()));
    }
    serde_json::from_slice(strip_bom(response.body()))
        .map_err(|_| Error::invalid_response(step, "it is not the expected JSON document"))
}

/// Ignores a byte order mark, as RFC 8259 §8.1 allows.
pub(crate) fn strip_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}
