//! Health checks for orchestrators and load balancers.

use crate::prelude::*;
use serde_json::{Value, json};

/// `GET /healthz`: the process runs. Checks nothing else.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: the database is reachable and migrated, there is a signing key,
/// and the process is not shutting down.
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    app.lifecycle.record_probe();
    let database = app.db.ready().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "not ready");
    }
    let keys = app.keys.ring().signing_key(app.clock.now()).is_some();
    let process = !app.lifecycle.is_shutting_down();
    let is_ready = database.is_ok() && keys && process;
    let word = |good: bool| if good { "ok" } else { "unavailable" };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": word(is_ready),
        "database": word(database.is_ok()),
        "keys": word(keys),
        "process": word(process),
    });
    (status, Json(body))
}
