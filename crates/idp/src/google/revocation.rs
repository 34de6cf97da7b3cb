//! `POST /google/revoke`, RFC 7009: either token revokes the grant with all its tokens.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use serde_json::{Value, json};

use super::token::{bad_request, error};
use crate::app::Shared;
use crate::misbehave::told_to_fail;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{authenticated, required, unique};
use crate::provider::Provider;

pub async fn revoke(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Json<Value>, Response> {
    let params = unique(params).map_err(error)?;
    // As at Google, whoever holds a token may revoke it. Credentials that come must be right.
    let client = match headers.contains_key(AUTHORIZATION) || params.has("client_secret") {
        true => Some(authenticated(&app, Provider::Google, &headers, &params).map_err(error)?),
        false => None,
    };
    let token = required(&params, "token", "token is missing.").map_err(error)?;
    let mut grants = app.grants();
    let Some(found) = grants.find(app.now(), Provider::Google, token) else {
        // RFC 7009 §2.2: a token that does not exist is as good as revoked.
        return Ok(Json(json!({})));
    };
    let authorization = &found.authorization;
    if client.is_some_and(|client| client.id != authorization.client.id) {
        // RFC 7009 §2.1.
        return Err(bad_request("invalid_grant", "The token was issued to another client."));
    }
    if !grants.revoke(authorization) {
        return Err(told_to_fail());
    }
    let (client, person) = (&authorization.client.id, &authorization.person.key);
    tracing::info!(client, person, "grant revoked");
    Ok(Json(json!({})))
}
