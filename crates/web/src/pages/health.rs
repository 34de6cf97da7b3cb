//! For whoever watches over the process.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;

/// `GET /healthz`: the process is alive. Asks nobody else.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: it can serve people, because the database is there and up to date.
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    match app.db.ready().await {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ok", "database": "ok" }))),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let body = json!({ "status": "unavailable", "database": error.to_string() });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body))
        }
    }
}
