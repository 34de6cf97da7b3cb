//! The key set, RFC 7517 §5, and work with keys away from the async threads.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::Shared,
    keys::{KeyError, KeyRing},
};

pub(super) async fn show(State(app): State<Shared>) -> Response {
    match blocking(&app.keys, KeyRing::jwks).await {
        // A real key set may be kept for hours. Here keys live as long as the process, so a client
        // that kept them would fail after every restart.
        Ok(keys) => ([(CACHE_CONTROL, "no-cache")], Json(json!({ "keys": keys }))).into_response(),
        Err(KeyError) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Runs something that may have to make a key first.
pub(super) async fn blocking<T: Send + 'static>(
    keys: &Arc<KeyRing>,
    work: impl FnOnce(&KeyRing) -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let keys = Arc::clone(keys);
    tokio::task::spawn_blocking(move || work(&keys)).await.unwrap_or(Err(KeyError))
}
