//! `/oauth/access_token`, "Manually build a login flow".

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::graph::GraphError;
use crate::app::Shared;
use crate::protocol::grants::GrantError;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{GrantType, TokenError, token_endpoint};
use crate::provider::Provider;

pub async fn token(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Response, Response> {
    let exchanged = token_endpoint(&app, Provider::Facebook, &headers, params, error).await?;
    let answer = json!({
        "access_token": exchanged.access_token,
        "token_type": "bearer",
        "expires_in": Provider::Facebook.access_token_lifetime().as_secs(),
    });
    Ok(Json(answer).into_response())
}

fn error(refusal: TokenError) -> Response {
    let (code, message, subcode) = match refusal {
        TokenError::InvalidClient => (1, "Error validating client secret.", None),
        TokenError::InvalidRequest(why) => (100, why, None),
        TokenError::UnsupportedGrantType => {
            (100, "Only the authorization_code grant is supported.", None)
        }
        TokenError::InvalidGrant(GrantType::AuthorizationCode, why) => match why {
            GrantError::Replayed => (100, "This authorization code has been used.", Some(36009)),
            GrantError::Expired => (100, "This authorization code has expired.", Some(36007)),
            GrantError::RedirectUriMismatch => (
                100,
                "Error validating verification code. Please make sure your redirect_uri is \
                 identical to the one you used in the OAuth dialog request",
                Some(36008),
            ),
            GrantError::VerifierMismatch => {
                (100, "Error validating verification code: wrong code_verifier.", None)
            }
            GrantError::Unknown
            | GrantError::ForeignClient
            | GrantError::TooWide
            | GrantError::OtherAudience => (100, "Invalid verification code format.", None),
        },
        // Not in this dialect.
        TokenError::InvalidGrant(GrantType::RefreshToken, _) | TokenError::InvalidTarget => {
            (100, "This grant is not supported.", None)
        }
        TokenError::NoRandomness => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    GraphError { subcode, ..GraphError::oauth(code, message) }.into_response()
}
