//! Where a fault becomes a page, or `application/problem+json` (RFC 9457).

use axum::Json;
use axum::extract::{FromRef, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::request::RequestId;
use crate::errors::{Fault, catalogue};
use crate::host::Host;
use crate::state::Latchkey;

/// Renders the faults that handlers answered with, and explains the statuses
/// that the framework came up with by itself.
pub async fn render<S: Host>(State(host): State<S>, request: Request, next: Next) -> Response
where
    Latchkey: FromRef<S>,
{
    let latchkey = Latchkey::from_ref(&host);
    let is_api = is_for_programs(request.uri().path());
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    let fault = match response.extensions_mut().remove::<Fault>() {
        Some(fault) => fault,
        None if is_unexplained(&response) => Fault::new(catalogue::by_status(response.status())),
        None => return response,
    };
    let body = if is_api { problem(&latchkey, &fault, &id) } else { page(&host, &fault, &id) };
    // The framework's own words about the body go; `Allow`, `Retry-After`,
    // cookies and the like stay.
    let mut headers = std::mem::take(response.headers_mut());
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    let mut rendered = body;
    if let Some(challenge) = challenge(&latchkey, &fault, is_api) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(after) = fault.retries_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_seconds().max(1)));
    }
    rendered.headers_mut().extend(headers);
    rendered
}

/// How to come back with something better (RFC 6750 §3), and for programs where
/// to learn who issues it (RFC 9728 §5.1).
fn challenge(latchkey: &Latchkey, fault: &Fault, is_api: bool) -> Option<HeaderValue> {
    let challenge = fault.www_authenticate()?;
    let whole = match &latchkey.config.resource_metadata {
        Some(metadata) if is_api => format!("{challenge}, resource_metadata=\"{metadata}\""),
        _ => challenge,
    };
    HeaderValue::try_from(whole).ok()
}

pub fn is_for_programs(path: &str) -> bool {
    path == "/api"
        || path.starts_with("/api/")
        || path.starts_with("/.well-known/")
        || path == "/openapi.json"
}

/// A failure without a body that anybody could read.
fn is_unexplained(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let explained = kind.is_some_and(|kind| kind.starts_with("text/html") || kind.contains("json"));
    (status.is_client_error() || status.is_server_error()) && !explained
}

fn page(host: &impl Host, fault: &Fault, id: &str) -> Response {
    let entry = fault.entry();
    let mut response = match fault.own_page() {
        Some(html) => (entry.status, Html(html.to_owned())).into_response(),
        None => host.error_page(fault, id),
    };
    if response.extensions().get::<Fault>().is_some() {
        // The error page itself could not be rendered.
        response = (StatusCode::INTERNAL_SERVER_ERROR, entry.title).into_response();
    }
    response.headers_mut().insert("x-error-code", HeaderValue::from_static(entry.code));
    response
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    code: &'a str,
    trace_id: &'a str,
    /// What RFC 6749 §5.2 calls it, on the token routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct FieldError {
    field: &'static str,
    message: &'static str,
}

fn problem(latchkey: &Latchkey, fault: &Fault, id: &str) -> Response {
    let entry = fault.entry();
    let problem = Problem {
        r#type: latchkey.config.absolute(&format!("/errors/{}", entry.code)),
        title: fault.title(),
        status: entry.status.as_u16(),
        detail: fault.cause(),
        code: entry.code,
        trace_id: id,
        error: fault.named_in_oauth(),
        errors: fault
            .invalid_fields()
            .iter()
            .map(|invalid| FieldError { field: invalid.field, message: invalid.message })
            .collect(),
    };
    let mut response = (entry.status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert("x-error-code", HeaderValue::from_static(entry.code));
    response
}
