//! `POST /google/introspect`, RFC 7662.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::token;
use crate::{
    Client, Provider,
    app::{App, Shared},
    clock::Timestamp,
    protocol::{
        client_auth,
        exchange::ExchangeError,
        grants::Found,
        params::{Params, ParamsError},
        scopes::Audience,
    },
};

enum Caller {
    /// A resource server. It is told about every access token of this issuer, and for whom it is:
    /// to refuse one that was made out to somebody else is its own affair.
    Api,
    /// A client. It is told about its own tokens, refresh tokens too.
    Client(Arc<Client>),
}

/// RFC 7662 §2.2. What is not active is nothing else either: not even why.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Inactive { active: bool },
    Active(Box<Active>),
}

#[derive(Serialize)]
struct Active {
    active: bool,
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    scope: String,
    iat: Timestamp,
    exp: Timestamp,
    /// RFC 6749 §7.1 has types for access tokens alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
}

pub(super) async fn introspect(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    match introspection(&app, &headers, params) {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => token::error(&refusal),
    }
}

fn introspection(
    app: &App,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Answer, ExchangeError> {
    let params = params.map_err(|error| ExchangeError::InvalidRequest(error.sentence()))?;
    if params.repeated().is_some() {
        return Err(ExchangeError::InvalidRequest("A parameter came more than once."));
    }
    let caller = caller(app, headers, &params)?;
    let token = params.get("token").ok_or(ExchangeError::InvalidRequest("token is missing."))?;
    let mut grants = app.grants();
    let found =
        grants.find(app.now(), Provider::Google, token).filter(|found| may_be_told(&caller, found));
    let Some(found) = found else {
        return Ok(Answer::Inactive { active: false });
    };
    if matches!(caller, Caller::Api) {
        grants.used(app.now(), &found.authorization);
    }
    Ok(Answer::Active(Box::new(active(app, &found))))
}

/// RFC 7662 §2.1: nobody is told anything who does not prove who they are.
fn caller(app: &App, headers: &HeaderMap, params: &Params) -> Result<Caller, ExchangeError> {
    let credentials =
        client_auth::credentials(headers, params).map_err(|_| ExchangeError::InvalidClient)?;
    let (id, secret) = (&credentials.id, &credentials.secret);
    if app.apis().authenticate(id, secret).is_some() {
        return Ok(Caller::Api);
    }
    let client = app.clients().authenticate(Provider::Google, id, secret);
    client.cloned().map(Caller::Client).ok_or(ExchangeError::InvalidClient)
}

fn may_be_told(caller: &Caller, found: &Found) -> bool {
    match caller {
        // A refresh token opens nothing at an API.
        Caller::Api => !found.refresh,
        Caller::Client(client) => !found.rotated && client.id == found.authorization.client.id,
    }
}

fn active(app: &App, found: &Found) -> Active {
    let authorization = &found.authorization;
    let issuer = app.google_issuer();
    let aud = match &authorization.audience {
        Audience::Provider => issuer.clone(),
        Audience::Api(uri) => uri.to_string(),
    };
    Active {
        active: true,
        iss: issuer,
        sub: authorization.person.google_sub.clone(),
        aud,
        client_id: authorization.client.id.clone(),
        scope: authorization.scopes.joined(" "),
        iat: found.issued_at,
        exp: found.expires_at,
        token_type: (!found.refresh).then_some("Bearer"),
    }
}
