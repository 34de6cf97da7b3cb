//! For whoever watches over the process.

use crate::prelude::*;
use http::HeaderName;
use serde_json::{Value, json};

/// `GET /healthz`: the process is alive. Asks nobody else.
pub(crate) async fn alive() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#)
}

/// `GET /readyz`: it can serve people. The database is there and up to date,
/// there is a key to sign with, and the process is not about to end.
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    app.lifecycle.asked_whether_ready();
    let database = app.db.ready().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "not ready");
    }
    let keys = app.keys.ring().signing_key(app.clock.now()).is_some();
    let word = |good: bool| if good { "ok" } else { "unavailable" };
    let stays = !app.lifecycle.is_leaving();
    let is_ready = database.is_ok() && keys && stays;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": word(is_ready),
        "database": word(database.is_ok()),
        "keys": word(keys),
        "process": word(stays),
    });
    (status, Json(body))
}
