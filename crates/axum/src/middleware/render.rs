//! Where an error becomes a page, or `application/problem+json` (RFC 9457).

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::errors::{AppError, Problem, catalogue};
use crate::host::Host;
use crate::state::Latchkey;

/// What a request is called.
pub(super) struct Names<'n> {
    pub(super) request_id: &'n str,
    /// By whoever sent it, for themselves and for us.
    pub(super) trace_id: Option<&'n str>,
}

/// Draws the error that a handler answered with, and explains the statuses that
/// the framework came up with by itself.
pub(super) fn render(mut response: Response, draw: impl FnOnce(&AppError) -> Response) -> Response {
    let error = match response.extensions_mut().remove::<AppError>() {
        Some(error) => error,
        None if is_unexplained(&response) => AppError::new(catalogue::by_status(response.status())),
        None => return response,
    };
    let mut rendered = draw(&error);
    if let Some(after) = error.known.retry_after {
        let seconds = HeaderValue::from(after.as_seconds().max(1));
        let headers = rendered.headers_mut();
        if let Some(limit) = error.known.rate_limit {
            headers.insert("ratelimit-limit", limit.into());
            headers.insert("ratelimit-remaining", HeaderValue::from_static("0"));
            headers.insert("ratelimit-reset", seconds.clone());
        }
        headers.insert(header::RETRY_AFTER, seconds);
    }
    // The framework's own words about the body go; `Allow`, cookies and the
    // like stay.
    let mut headers = std::mem::take(response.headers_mut());
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    rendered.headers_mut().extend(headers);
    rendered
}

fn insert(response: &mut Response, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        response.headers_mut().insert(name, value);
    }
}

/// A failure without a body that anybody could read.
fn is_unexplained(response: &Response) -> bool {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return false;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    !kind.is_some_and(|kind| kind.starts_with("text/html") || kind.contains("json"))
}

/// An error as a page of the host.
pub(super) fn page(latchkey: &Latchkey, host: &impl Host, error: &AppError, id: &str) -> Response {
    let entry = error.entry;
    let mut response = match &error.known.html {
        Some(html) => (entry.status, Html(html.clone())).into_response(),
        None => host.error_page(error, id),
    };
    if response.extensions().get::<AppError>().is_some() {
        // The error page itself could not be rendered.
        response = (StatusCode::INTERNAL_SERVER_ERROR, entry.title).into_response();
    }
    response.headers_mut().insert("x-error-code", HeaderValue::from_static(entry.code));
    insert(&mut response, header::WWW_AUTHENTICATE, challenge(latchkey, error));
    response
}

/// An error for programs, with where to learn who issues tokens (RFC 9728 §5.1).
pub(super) fn problem(latchkey: &Latchkey, error: &AppError, names: &Names<'_>) -> Response {
    let entry = error.entry;
    let kind = latchkey.config.absolute(&format!("/errors/{}", entry.code));
    let problem = Problem::new(error, kind, names.trace_id.unwrap_or(names.request_id));
    let mut response = (entry.status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert("x-error-code", HeaderValue::from_static(entry.code));
    let challenge =
        challenge(latchkey, error).map(|challenge| match &latchkey.config.resource_metadata {
            Some(metadata) => format!("{challenge}, resource_metadata=\"{metadata}\""),
            None => challenge,
        });
    insert(&mut response, header::WWW_AUTHENTICATE, challenge);
    response
}

fn challenge(latchkey: &Latchkey, error: &AppError) -> Option<String> {
    error.www_authenticate(&latchkey.config.product.cookie_prefix)
}
