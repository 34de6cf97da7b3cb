//! `POST /google/revoke`, RFC 7009: either token revokes the grant with all its tokens.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::token::{bad_request, error};
use crate::app::{App, Shared};
use crate::misbehave::told_to_fail;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{TokenError, authenticated, required, unique};
use crate::provider::Provider;

enum Outcome {
    Revoked,
    /// RFC 7009 §2.1: the token was issued to another client.
    ForeignToken,
    ToldToFail,
}

pub async fn revoke(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    match revocation(&app, &headers, params) {
        Ok(Outcome::Revoked) => Json(json!({})).into_response(),
        Ok(Outcome::ForeignToken) => {
            bad_request("invalid_grant", "The token was issued to another client.")
        }
        Ok(Outcome::ToldToFail) => told_to_fail(),
        Err(refusal) => error(&refusal),
    }
}

fn revocation(
    app: &App,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Outcome, TokenError> {
    let params = unique(params)?;
    // As at Google, whoever holds a token may revoke it. Credentials that come must be right.
    let client = match headers.contains_key(AUTHORIZATION) || params.has("client_secret") {
        true => Some(authenticated(app, Provider::Google, headers, &params)?),
        false => None,
    };
    let token = required(&params, "token", "token is missing.")?;
    let mut grants = app.grants();
    let Some(found) = grants.find(app.now(), Provider::Google, token) else {
        // RFC 7009 §2.2: a token that does not exist is as good as revoked.
        return Ok(Outcome::Revoked);
    };
    let authorization = &found.authorization;
    if client.is_some_and(|client| client.id != authorization.client.id) {
        return Ok(Outcome::ForeignToken);
    }
    if !grants.revoke(authorization) {
        return Ok(Outcome::ToldToFail);
    }
    let (client, person) = (&authorization.client.id, &authorization.person.key);
    tracing::info!(client, person, "grant revoked");
    Ok(Outcome::Revoked)
}
