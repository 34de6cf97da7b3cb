//! Compressed responses.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header;
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// For static files.
pub(crate) async fn always(request: Request, next: Next) -> Response {
    let compressed = Compression::new(next).quality(CompressionLevel::Fastest);
    match compressed.oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

/// For pages. A page for a signed-in user may hold a secret beside text that an
/// attacker chose, and its compressed length would reveal the secret (BREACH).
pub(crate) async fn without_credentials(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::COOKIE) || headers.contains_key(header::AUTHORIZATION) {
        next.run(request).await
    } else {
        always(request, next).await
    }
}
