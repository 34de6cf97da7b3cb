//! Which applications a person has let into an API, for that API: to show them, and to end them.
//! No standard has this; every provider has a page of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::token;
use crate::{
    Api,
    app::{App, Shared},
    clock::Timestamp,
    protocol::{
        client_auth,
        exchange::ExchangeError,
        grants::Consent,
        params::{Params, ParamsError},
        scopes::Audience,
    },
};

#[derive(Serialize)]
struct Entry {
    id: String,
    client_id: String,
    client_name: String,
    scope: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl From<Consent> for Entry {
    fn from(consent: Consent) -> Self {
        Self {
            id: consent.id,
            client_id: consent.client.id.clone(),
            client_name: consent.client.name.clone(),
            scope: consent.scopes.joined(" "),
            created_at: consent.created_at,
            last_used_at: consent.last_used_at,
        }
    }
}

/// `GET /google/authorizations?sub=…`
pub(super) async fn list(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let api = match api(&app, &headers) {
        Ok(api) => api,
        Err(refusal) => return token::error(&refusal),
    };
    let params = params.unwrap_or_default();
    let Some(sub) = params.get("sub") else {
        return token::error(&ExchangeError::InvalidRequest("sub is missing."));
    };
    let mut consents = app.grants().consents_for(&audience(api));
    consents.retain(|consent| consent.person.google_sub == sub);
    let entries: Vec<Entry> = consents.into_iter().map(Entry::from).collect();
    Json(json!({ "authorizations": entries })).into_response()
}

/// `DELETE /google/authorizations/{id}`
pub(super) async fn end(
    State(app): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let api = match api(&app, &headers) {
        Ok(api) => api,
        Err(refusal) => return token::error(&refusal),
    };
    let ended = app.grants().end_by_id(&audience(api), &id);
    tracing::info!(api = api.id, ended, "an authorization was to be ended");
    match ended {
        true => StatusCode::NO_CONTENT.into_response(),
        false => (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))).into_response(),
    }
}

/// The API that has proved to be who it says.
fn api<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Arc<Api>, ExchangeError> {
    client_auth::credentials(headers, &Params::default())
        .ok()
        .and_then(|own| app.apis().authenticate(&own.id, &own.secret))
        .ok_or(ExchangeError::InvalidClient)
}

fn audience(api: &Api) -> Audience {
    Audience::Api(api.audience.as_str().into())
}
