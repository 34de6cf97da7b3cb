//! Renders errors as pages or as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::errors::{AppError, Problem, catalogue};
use crate::host::Host;
use crate::state::Latchkey;

pub(super) struct RequestIds<'a> {
    pub(super) request_id: &'a str,
    /// From the request's `traceparent`, or our own if traces are exported.
    pub(super) trace_id: Option<&'a str>,
}

/// Renders the error in a response's extensions, or the entry for an error status that has no
/// readable body, for example from axum itself.
pub(super) fn render(mut response: Response, draw: impl FnOnce(&AppError) -> Response) -> Response {
    let error = match response.extensions_mut().remove::<AppError>() {
        Some(error) => error,
        None if is_unexplained(&response) => AppError::new(catalogue::by_status(response.status())),
        None => return response,
    };
    let mut rendered = draw(&error);
    if let Some(after) = error.details.retry_after {
        let seconds = HeaderValue::from(after.as_seconds().max(1));
        let headers = rendered.headers_mut();
        if let Some(limit) = error.details.rate_limit {
            headers.insert("ratelimit-limit", limit.into());
            headers.insert("ratelimit-remaining", HeaderValue::from_static("0"));
            headers.insert("ratelimit-reset", seconds.clone());
        }
        headers.insert(header::RETRY_AFTER, seconds);
    }
    // Keep headers like `Allow` and cookies, but not those of the old body.
    let mut headers = std::mem::take(response.headers_mut());
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
    rendered.headers_mut().extend(headers);
    rendered
}

fn insert(response: &mut Response, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        response.headers_mut().insert(name, value);
    }
}

/// Whether this is an error without an HTML or JSON body.
fn is_unexplained(response: &Response) -> bool {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return false;
    }
    let content_type =
        response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    !content_type.is_some_and(|text| text.starts_with("text/html") || text.contains("json"))
}

pub(super) fn page(latchkey: &Latchkey, host: &impl Host, error: &AppError, id: &str) -> Response {
    let entry = error.entry;
    let mut response = match &error.details.html {
        Some(html) => (entry.status, Html(html.clone())).into_response(),
        None => host.error_page(error, id),
    };
    if response.extensions().get::<AppError>().is_some() {
        // Rendering the error page failed.
        response = (StatusCode::INTERNAL_SERVER_ERROR, entry.title).into_response();
    }
    response.headers_mut().insert("x-error-code", HeaderValue::from_static(entry.code));
    let challenge = error.details.challenge.as_deref();
    let challenge = challenge.map(|parameters| bearer(latchkey, parameters));
    insert(&mut response, header::WWW_AUTHENTICATE, challenge);
    response
}

/// `application/problem+json`. The challenge links the API's metadata (RFC 9728 §5.1).
pub(super) fn problem(latchkey: &Latchkey, error: &AppError, ids: &RequestIds<'_>) -> Response {
    let entry = error.entry;
    let kind = latchkey.config.absolute(&format!("/errors/{}", entry.code));
    let problem = Problem::new(error, kind, ids.trace_id.unwrap_or(ids.request_id));
    let mut response = (entry.status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert("x-error-code", HeaderValue::from_static(entry.code));
    // Every 401 and 403, also one that is not about a token (RFC 9110 §11.6.1).
    let is_about_rights = matches!(entry.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let challenge = error.details.challenge.as_deref().or(is_about_rights.then_some(""));
    let challenge = challenge.map(|parameters| match &latchkey.config.resource_metadata {
        Some(metadata) => {
            format!("{}, resource_metadata=\"{metadata}\"", bearer(latchkey, parameters))
        }
        None => bearer(latchkey, parameters),
    });
    insert(&mut response, header::WWW_AUTHENTICATE, challenge);
    response
}

/// A challenge with these parameters (RFC 6750 §3).
fn bearer(latchkey: &Latchkey, parameters: &str) -> String {
    let realm = &latchkey.config.product.cookie_prefix;
    let comma = if parameters.is_empty() { "" } else { ", " };
    format!("Bearer realm=\"{realm}\"{comma}{parameters}")
}
