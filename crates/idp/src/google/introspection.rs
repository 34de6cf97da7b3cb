//! Revocation: `POST /google/revoke` (RFC 7009). Introspection for APIs: `POST /google/introspect`
//! (RFC 7662). And the list of applications with access to an API, which no standard defines.

use super::token::{bad_request, error};
use crate::config::{Api, Client};
use crate::prelude::*;
use crate::protocol::grants::{Consent, Token, TokenKind};
use crate::protocol::scopes::Audience;

/// An access or refresh token revokes the grant with all its tokens.
pub async fn revoke(call: Call) -> Result<Json<Value>, Response> {
    let params = call.unique_params().map_err(error)?;
    // As at Google, client authentication is optional; if present, it must be valid.
    let client =
        match call.headers.contains_key(header::AUTHORIZATION) || params.has("client_secret") {
            true => Some(call.client(Provider::Google).map_err(error)?),
            false => None,
        };
    let token = call.required("token", "token is missing.").map_err(error)?;
    let mut grants = call.app.grants();
    let Some(found) = grants.find(call.app.now(), Provider::Google, token) else {
        // RFC 7009 §2.2: an unknown token counts as revoked.
        return Ok(Json(json!({})));
    };
    let authorization = &found.authorization;
    if client.is_some_and(|client| client.id != authorization.client.id) {
        // RFC 7009 §2.1.
        return Err(bad_request("invalid_grant", "The token was issued to another client."));
    }
    if !grants.revoke(authorization) {
        return Err(simulated_failure());
    }
    let (client, person) = (&authorization.client.id, &authorization.person.key);
    tracing::info!(client, person, "grant revoked");
    Ok(Json(json!({})))
}

enum Caller {
    /// A resource server. It may introspect all access tokens of this issuer, and must itself
    /// reject those with another audience.
    Api,
    /// A client. It may introspect its own access and refresh tokens.
    Client(Arc<Client>),
}

pub async fn introspect(call: Call) -> Result<Json<Value>, Response> {
    let (app, caller) = (&call.app, caller(&call).map_err(error)?);
    let token = call.required("token", "token is missing.").map_err(error)?;
    let mut grants = app.grants();
    let found = grants.find(app.now(), Provider::Google, token);
    let Some(found) = found.filter(|found| may_introspect(&caller, found)) else {
        // RFC 7662 §2.2: the response does not say why.
        return Ok(Json(json!({ "active": false })));
    };
    if matches!(caller, Caller::Api) {
        grants.record_use(app.now(), &found.authorization);
    }
    Ok(Json(active_response(app, &found)))
}

/// Authenticates the caller, RFC 7662 §2.1.
fn caller(call: &Call) -> Result<Caller, TokenError> {
    let (app, params) = (&call.app, call.unique_params()?);
    let credentials = client_credentials(&call.headers, params).ok().flatten();
    let credentials = credentials.ok_or(TokenError::InvalidClient)?;
    let (id, secret) = (&credentials.id, &credentials.secret);
    if app.apis.authenticate(id, secret).is_some() {
        return Ok(Caller::Api);
    }
    let client = app.clients.authenticate(Provider::Google, id, secret);
    client.cloned().map(Caller::Client).ok_or(TokenError::InvalidClient)
}

fn may_introspect(caller: &Caller, found: &Token) -> bool {
    match caller {
        // APIs do not accept refresh tokens.
        Caller::Api => found.kind == TokenKind::Access,
        Caller::Client(client) => {
            found.rotated.is_none() && client.id == found.authorization.client.id
        }
    }
}

fn active_response(app: &App, found: &Token) -> Value {
    let authorization = &found.authorization;
    let issuer = app.google_issuer();
    let mut response = json!({
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
    // RFC 6749 §7.1 defines types for access tokens only.
    if found.kind == TokenKind::Access {
        response["token_type"] = "Bearer".into();
    }
    response
}

/// `GET /google/authorizations?sub=…`
pub async fn authorizations(call: Call) -> Result<Json<Value>, Response> {
    let api = authenticate_api(&call)?;
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
    let api = authenticate_api(&call)?;
    let revoked = call.app.grants().revoke_by_id(&audience(api), &id);
    tracing::info!(api = api.id, revoked, "an API revoked an authorization");
    Ok(match revoked {
        true => StatusCode::NO_CONTENT.into_response(),
        false => (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))).into_response(),
    })
}

#[expect(clippy::result_large_err, reason = "the error is an HTTP response")]
fn authenticate_api(call: &Call) -> Result<&Api, Response> {
    client_credentials(&call.headers, &Params::default())
        .ok()
        .flatten()
        .and_then(|one| call.app.apis.authenticate(&one.id, &one.secret))
        .ok_or_else(|| error(TokenError::InvalidClient))
}

fn audience(api: &Api) -> Audience {
    Audience::Api(api.audience.as_str().into())
}
