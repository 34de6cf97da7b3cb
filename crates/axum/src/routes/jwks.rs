//! What the outside world looks for under `/.well-known/`.

use axum::Json;
use axum::extract::State;
use http::header;
use latchkey_auth::tokens::ring::MAX_AGE_SECONDS;
use serde_json::Value;

use crate::state::Latchkey;

/// `GET /.well-known/jwks.json` (RFC 7517 §5): the keys that verify our access
/// tokens. Symmetric ones are never among them.
pub(super) async fn jwks(
    State(latchkey): State<Latchkey>,
) -> ([(header::HeaderName, String); 1], Json<Value>) {
    let keys = latchkey.keys.ring().key_set(latchkey.clock.now());
    let lasts = format!("public, max-age={MAX_AGE_SECONDS}");
    ([(header::CACHE_CONTROL, lasts)], Json(keys))
}
