//! `DELETE /applications/{client_id}/grant`, "Delete an app authorization".

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::api::{not_found, refusal, unprocessable};
use crate::{
    Provider,
    app::Shared,
    faults,
    protocol::{client_auth, params::Params},
};

#[derive(Deserialize)]
pub(super) struct Body {
    access_token: String,
}

/// Everything that the person has let the application do is over, with every token of it.
pub(super) async fn delete(
    State(app): State<Shared>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Body>, JsonRejection>,
) -> Response {
    let credentials = client_auth::credentials(&headers, &Params::default());
    let client = credentials
        .ok()
        .filter(|credentials| credentials.id == client_id)
        .and_then(|own| app.clients().authenticate(Provider::Github, &own.id, &own.secret));
    let Some(client) = client else {
        return refusal(StatusCode::UNAUTHORIZED, "Requires authentication");
    };
    let Ok(Json(Body { access_token })) = body else {
        return unprocessable();
    };
    let ended = {
        let mut grants = app.grants();
        let found = grants.find(app.now(), Provider::Github, &access_token);
        found
            .filter(|found| found.authorization.client.id == client.id)
            .map(|found| grants.end(&found.authorization))
    };
    match ended {
        Some(true) => {
            tracing::info!(client = client.id, "grant deleted");
            StatusCode::NO_CONTENT.into_response()
        }
        Some(false) => faults::told_to_fail(),
        None => not_found().await,
    }
}
