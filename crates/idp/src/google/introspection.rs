//! What becomes of a token: `POST /google/revoke` (RFC 7009). What an API asks about one: `POST
//! /google/introspect` (RFC 7662), and which applications a person has given access to it. No
//! standard has the last; every provider has a page of it.

use super::token::{bad_request, error};
use crate::config::{Api, Client};
use crate::prelude::*;
use crate::protocol::grants::{Consent, Token, TokenKind};
use crate::protocol::scopes::Audience;

/// Either token revokes the grant with all its tokens.
pub async fn revoke(call: Call) -> Result<Json<Value>, Response> {
    let params = call.unique().map_err(error)?;
    // As at Google, whoever holds a token may revoke it. Credentials that come must be right.
    let client =
        match call.headers.contains_key(header::AUTHORIZATION) || params.has("client_secret") {
            true => Some(call.client(Provider::Google).map_err(error)?),
            false => None,
        };
    let token = call.required("token", "token is missing.").map_err(error)?;
    let mut grants = call.app.grants();
    let Some(found) = grants.find(call.app.now(), Provider::Google, token) else {
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

enum Caller {
    /// A resource server. It is told about every access token of this issuer, and whom it is for: to
    /// refuse one that was issued for another API is its own task.
    Api,
    /// A client. It is told about its own tokens, refresh tokens too.
    Client(Arc<Client>),
}

pub async fn introspect(call: Call) -> Result<Json<Value>, Response> {
    let (app, caller) = (&call.app, caller(&call).map_err(error)?);
    let token = call.required("token", "token is missing.").map_err(error)?;
    let mut grants = app.grants();
    let found = grants.find(app.now(), Provider::Google, token);
    let Some(found) = found.filter(|found| may_be_told(&caller, found)) else {
        // RFC 7662 §2.2: not even why.
        return Ok(Json(json!({ "active": false })));
    };
    if matches!(caller, Caller::Api) {
        grants.used(app.now(), &found.authorization);
    }
    Ok(Json(active(app, &found)))
}

/// RFC 7662 §2.1: the caller has to authenticate.
fn caller(call: &Call) -> Result<Caller, TokenError> {
    let (app, params) = (&call.app, call.unique()?);
    let credentials = client_credentials(&call.headers, params).ok().flatten();
    let credentials = credentials.ok_or(TokenError::InvalidClient)?;
    let (id, secret) = (&credentials.id, &credentials.secret);
    if app.apis.authenticate(id, secret).is_some() {
        return Ok(Caller::Api);
    }
    let client = app.clients.authenticate(Provider::Google, id, secret);
    client.cloned().map(Caller::Client).ok_or(TokenError::InvalidClient)
}

fn may_be_told(caller: &Caller, found: &Token) -> bool {
    match caller {
        // A refresh token opens nothing at an API.
        Caller::Api => found.kind == TokenKind::Access,
        Caller::Client(client) => {
            found.rotated.is_none() && client.id == found.authorization.client.id
        }
    }
}

fn active(app: &App, found: &Token) -> Value {
    let authorization = &found.authorization;
    let issuer = app.google_issuer();
    let mut answer = json!({
        "active": true,
        "iss": issuer,
        "sub": authorization.person.google_sub,
        "aud": match &authorization.audience {
            Audience::Provider => &issuer,
            Audience::Api(uri) => &**uri,
        },
        "client_id": authorization.client.id,
        "scope": authorization.scopes.joined(" "),
        "iat": found.issued_at,
        "exp": found.expires_at,
    });
    // RFC 6749 §7.1 has types for access tokens alone.
    if found.kind == TokenKind::Access {
        answer["token_type"] = "Bearer".into();
    }
    answer
}

/// `GET /google/authorizations?sub=…`
pub async fn authorizations(call: Call) -> Result<Json<Value>, Response> {
    let api = api(&call)?;
    let sub = call.params.as_ref().ok().and_then(|params| params.get("sub"));
    let sub = sub.ok_or_else(|| error(TokenError::InvalidRequest("sub is missing.")))?;
    let mut consents = call.app.grants().consents_for(&audience(api));
    consents.retain(|consent| consent.person.google_sub == sub);
    let entry = |consent: &Consent| {
        json!({
            "id": consent.id,
            "client_id": consent.client.id,
            "client_name": consent.client.name,
            "scope": consent.scopes.joined(" "),
            "created_at": consent.created_at,
            "last_used_at": consent.last_used_at,
        })
    };
    let entries: Vec<Value> = consents.iter().map(entry).collect();
    Ok(Json(json!({ "authorizations": entries })))
}

/// `DELETE /google/authorizations/{id}`
pub async fn revoke_authorization(
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Response> {
    let api = api(&call)?;
    let revoked = call.app.grants().revoke_by_id(&audience(api), &id);
    tracing::info!(api = api.id, revoked, "an API revoked an authorization");
    Ok(match revoked {
        true => StatusCode::NO_CONTENT.into_response(),
        false => (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))).into_response(),
    })
}

#[expect(clippy::result_large_err, reason = "a response on its way out: a box would only move it")]
fn api(call: &Call) -> Result<&Api, Response> {
    client_credentials(&call.headers, &Params::default())
        .ok()
        .flatten()
        .and_then(|own| call.app.apis.authenticate(&own.id, &own.secret))
        .ok_or_else(|| error(TokenError::InvalidClient))
}

fn audience(api: &Api) -> Audience {
    Audience::Api(api.audience.as_str().into())
}
