//! `/oauth/access_token`, "Manually build a login flow".

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::graph::GraphError;
use crate::{
    Provider,
    app::Shared,
    faults,
    protocol::{
        exchange::{ExchangeError, exchange},
        grants::RedeemError,
        params::{Params, ParamsError},
    },
};

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

pub(super) async fn token(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let exchanged = match exchange(&app, Provider::Facebook, &headers, params) {
        Ok(exchanged) => exchanged,
        Err(ExchangeError::NoRandomness) => {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Err(refusal) => return complaint(&refusal).into_response(),
    };
    if let Some(fault) = faults::token_endpoint(exchanged.authorization.misbehaviour).await {
        return fault;
    }
    Json(TokenResponse {
        access_token: exchanged.access_token,
        token_type: "bearer",
        expires_in: Provider::Facebook.access_token_lifetime().as_secs(),
    })
    .into_response()
}

fn complaint(refusal: &ExchangeError) -> GraphError {
    match refusal {
        ExchangeError::InvalidClient => GraphError::oauth(1, "Error validating client secret."),
        ExchangeError::InvalidRequest(why) => GraphError::oauth(100, why),
        ExchangeError::UnsupportedGrantType => {
            GraphError::oauth(100, "Only the authorization_code grant is supported.")
        }
        ExchangeError::InvalidGrant(why) => invalid_grant(*why),
        // Neither is spoken in this dialect.
        ExchangeError::NotRenewed(_) | ExchangeError::InvalidTarget => {
            GraphError::oauth(100, "This grant is not supported.")
        }
        ExchangeError::NoRandomness => GraphError::oauth(1, "No randomness."),
    }
}

fn invalid_grant(why: RedeemError) -> GraphError {
    match why {
        RedeemError::Replayed => {
            GraphError::oauth(100, "This authorization code has been used.").subcode(36009)
        }
        RedeemError::Expired => {
            GraphError::oauth(100, "This authorization code has expired.").subcode(36007)
        }
        RedeemError::RedirectUriMismatch => GraphError::oauth(
            100,
            "Error validating verification code. Please make sure your redirect_uri is identical \
             to the one you used in the OAuth dialog request",
        )
        .subcode(36008),
        RedeemError::VerifierMismatch => {
            GraphError::oauth(100, "Error validating verification code: wrong code_verifier.")
        }
        RedeemError::Unknown | RedeemError::ForeignClient | RedeemError::OtherAudience => {
            GraphError::oauth(100, "Invalid verification code format.")
        }
    }
}
