//! What can go wrong with OAuth, and whose fault it is.

use ::http::StatusCode;

use latchkey_domain::{Span, Subject};

use crate::http;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The person said no at the provider (RFC 6749 §4.1.2.1 `access_denied`).
    #[error("the person declined at the provider")]
    Declined,
    #[error("the provider answered {code}")]
    Refused {
        /// One of the error codes of RFC 6749 §4.1.2.1, or of an extension.
        code: String,
    },
    /// The authorization response breaks a rule: it was put together by
    /// somebody else, or damaged on its way.
    #[error("the authorization response is not valid: {0}")]
    Response(&'static str),
    #[error("{step}: {source}")]
    Unreachable { step: Step, source: http::Error },
    #[error("{step}: the provider answered {status}")]
    ProviderUnavailable { step: Step, status: StatusCode },
    #[error("{step}: {what}")]
    InvalidResponse { step: Step, what: String },
    /// The code was not taken: used already, expired, or for somebody else
    /// (RFC 6749 §5.2 `invalid_grant`).
    #[error("the provider did not take the code")]
    InvalidGrant,
    /// The provider refused the token request for a reason that only the
    /// site's owner can mend: a wrong secret, a redirect URI that is not
    /// registered (RFC 6749 §5.2).
    #[error("the provider refused the token request: {code}")]
    TokenRefused {
        /// One of the error codes of RFC 6749 §5.2, or the provider's own.
        code: String,
    },
    /// The ID token is too old or too new, because two clocks differ.
    #[error("the clocks of this machine and of the provider are {apart} apart")]
    ClockSkew { apart: Span },
    /// The ID token was refused (OpenID Connect Core §3.1.3.7).
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
    /// The call for which the access token was issued: who is it?
    #[strum(to_string = "the profile")]
    Profile,
    /// RFC 7009 §2.1, or the provider's own way.
    #[strum(to_string = "the revocation")]
    Revocation,
    #[strum(to_string = "the service")]
    Service,
}

impl Error {
    /// For `map_err` on a call that had no answer.
    pub(crate) fn unreachable(step: Step) -> impl Fn(http::Error) -> Self {
        move |source| match source {
            // Too large, or not HTTP: it was reached.
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

    /// The provider says that it gets too many requests, whatever its status is.
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

/// Reads a JSON document out of an answer that should be 200.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    step: Step,
    answer: &::http::Response<Vec<u8>>,
) -> Result<T, Error> {
    if answer.status() != StatusCode::OK {
        return Err(Error::status(step, answer.status()));
    }
    serde_json::from_slice(without_mark(answer.body()))
        .map_err(|_| Error::invalid_response(step, "it is not the JSON document that it should be"))
}

/// A document without the byte order mark that some servers put before it
/// (RFC 8259 §8.1 lets a reader pass over it).
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}
