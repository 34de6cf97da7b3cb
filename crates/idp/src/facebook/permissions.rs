//! `DELETE /me/permissions`, "Revoking permissions and de-authorizing apps".

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{graph::GraphError, me::authorize};
use crate::{
    app::Shared,
    faults,
    protocol::params::{Params, ParamsError},
};

/// Everything that the person has let the application do is over, with every token of it.
pub(super) async fn delete(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let authorization = params
        .map_err(|error| GraphError::oauth(100, error.sentence()))
        .and_then(|params| authorize(&app, &headers, &params));
    let authorization = match authorization {
        Ok(authorization) => authorization,
        Err(error) => return error.into_response(),
    };
    if !app.grants().end(&authorization) {
        return faults::told_to_fail();
    }
    tracing::info!(client = authorization.client.id, "permissions deleted");
    Json(json!({ "success": true })).into_response()
}
