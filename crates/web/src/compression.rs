//! Answers that are sent compressed.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header;
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// For files, which are the same for everybody.
pub(crate) async fn always(request: Request, next: Next) -> Response {
    let compressed = Compression::new(next).quality(CompressionLevel::Fastest);
    match compressed.oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

/// For pages, but only as strangers see them. What somebody gets who is known may
/// hold a secret beside what a stranger has written there, and how long it is
/// compressed tells the one to whoever chooses the other (BREACH).
pub(crate) async fn for_strangers(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::COOKIE) || headers.contains_key(header::AUTHORIZATION) {
        next.run(request).await
    } else {
        always(request, next).await
    }
}
