//! `POST /google/revoke`, RFC 7009: either token ends the grant with all its tokens.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::token;
use crate::{
    Provider,
    app::{App, Shared},
    faults,
    protocol::{
        exchange::{ExchangeError, authenticated},
        params::{Params, ParamsError},
    },
};

enum RevokeError {
    Request(ExchangeError),
    /// RFC 7009 §2.1: the token was issued to another client.
    ForeignToken,
    /// As the person at the consent page wished.
    ToldToFail,
}

pub(super) async fn revoke(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    match revocation(&app, &headers, params) {
        // RFC 7009 §2.2: whatever is not there any more is revoked.
        Ok(()) => Json(json!({})).into_response(),
        Err(RevokeError::Request(refusal)) => token::error(&refusal),
        Err(RevokeError::ForeignToken) => {
            let why = "The token was issued to another client.";
            let body = json!({ "error": "invalid_grant", "error_description": why });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
        Err(RevokeError::ToldToFail) => faults::told_to_fail(),
    }
}

fn revocation(
    app: &App,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<(), RevokeError> {
    let invalid = |why| RevokeError::Request(ExchangeError::InvalidRequest(why));
    let params = params.map_err(|error| invalid(error.sentence()))?;
    if params.repeated().is_some() {
        return Err(invalid("A parameter came more than once."));
    }
    // As at Google, whoever holds a token may end it. Credentials that come must be right.
    let spoken = headers.contains_key(AUTHORIZATION) || params.has("client_secret");
    let client = match spoken {
        true => {
            let client = authenticated(app, Provider::Google, headers, &params);
            Some(client.map_err(RevokeError::Request)?)
        }
        false => None,
    };
    let token = params.get("token").ok_or(invalid("token is missing."))?;
    let mut grants = app.grants();
    let Some(found) = grants.find(app.now(), Provider::Google, token) else {
        return Ok(());
    };
    let authorization = &found.authorization;
    if client.is_some_and(|client| client.id != authorization.client.id) {
        return Err(RevokeError::ForeignToken);
    }
    if !grants.end(authorization) {
        return Err(RevokeError::ToldToFail);
    }
    tracing::info!(
        client = authorization.client.id,
        person = authorization.person.key,
        "grant revoked"
    );
    Ok(())
}
