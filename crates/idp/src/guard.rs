//! Middleware: who may ask, and the headers of every answer.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::is_loopback;
use crate::pages::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers only to names of this machine, so that no foreign site can rebind its own name to
/// loopback and read the answers.
pub async fn loopback_only(request: Request, next: Next) -> Response {
    if request.headers().get_all(header::HOST).into_iter().count() != 1 {
        // RFC 9112 §3.2.
        StatusCode::BAD_REQUEST.into_response()
    } else if host_is_loopback(request.headers()) {
        next.run(request).await
    } else {
        Problem::from(StatusCode::MISDIRECTED_REQUEST).into_response()
    }
}

fn host_is_loopback(headers: &HeaderMap) -> bool {
    headers.get(header::HOST).is_some_and(|host| {
        Authority::try_from(host.as_bytes()).is_ok_and(|authority| is_loopback(authority.host()))
    })
}

/// Whether a form post comes from this provider's own page, as far as the headers tell.
///
/// `Sec-Fetch-Site` decides when it is there, since no page can forge it; else `Origin`. Clients that
/// are not browsers send neither, and need no protection from other sites.
pub fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    headers.get(header::ORIGIN).is_none_or(|sent| sent == origin)
}

/// The Content-Security-Policy of every answer.
///
/// Chromium holds `form-action` against the redirect that follows a form post too, so the origins
/// of the registered redirect URIs have to be named.
pub fn content_security_policy(redirect_origins: &[String]) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; \
         frame-ancestors 'none'; base-uri 'none'",
        redirect_origins.join(" ")
    );
    // Serialized origins are ASCII; should one not be, nothing at all is the safe policy.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Errors and redirects too. A handler may have set its own rules for caching and referrers.
pub async fn security_headers(
    State(policy): State<HeaderValue>,
    mut response: Response,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
