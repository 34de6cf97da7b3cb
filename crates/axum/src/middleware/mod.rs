//! What happens around every request.

mod canonical_host;
mod render;
mod request_id;
mod same_site;
mod security_headers;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

use crate::cookies::set_response_cookies;
use crate::errors::{AppError, catalogue};
use crate::host::Host;
use crate::state::Latchkey;

pub use canonical_host::redirect_to_public_host;

/// Larger than any form here, smaller than anything that hurts.
const BODY_LIMIT: usize = 64 * 1024;

/// How long the body of a request may stand still.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a whole answer may take: longer than the slowest provider
/// (discovery, token, keys and profile may each take their time).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// Around pages: what goes wrong is a page of the host.
pub fn around_pages<S: Host>(router: Router<S>, host: &S) -> Router<S>
where
    Latchkey: FromRef<S>,
{
    guard(router, &Latchkey::from_ref(host))
        .layer(from_fn_with_state(host.clone(), render::as_pages::<S>))
}

/// Around what programs call: what goes wrong is `application/problem+json`.
pub fn around_api<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    latchkey: &Latchkey,
) -> Router<S> {
    guard(router, latchkey).layer(from_fn_with_state(latchkey.clone(), render::as_problems))
}

pub fn around_all<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    latchkey: &Latchkey,
) -> Router<S> {
    router
        .layer(from_fn_with_state(latchkey.clone(), security_headers::add))
        .layer(from_fn_with_state(latchkey.clone(), request_id::request_id))
}

/// Limits, cookies, and no requests from other sites; from the inside out.
fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, latchkey: &Latchkey) -> Router<S> {
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
        .layer(from_fn(set_response_cookies))
        .layer(from_fn_with_state(latchkey.clone(), same_site::require_same_origin))
        .layer(CatchPanicLayer::custom(caught))
}

/// A panic is an error of ours: it ends one request, not the process.
fn caught(panic: Box<dyn Any + Send>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("something that is no text"), "a handler panicked");
    AppError::new(catalogue::INTERNAL).into_response()
}
