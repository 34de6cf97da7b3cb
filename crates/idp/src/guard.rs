//! Middleware: the loopback check, the same-origin check and security headers.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::is_loopback;
use crate::pages::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Accepts loopback host names only, which prevents DNS rebinding.
pub async fn loopback_only(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        // RFC 9112 §3.2.
        return StatusCode::BAD_REQUEST.into_response();
    };
    let authority = Authority::try_from(host.as_bytes());
    if authority.is_ok_and(|authority| is_loopback(authority.host())) {
        next.run(request).await
    } else {
        Problem::from(StatusCode::MISDIRECTED_REQUEST).into_response()
    }
}

/// Whether a form was sent by a page of this provider.
///
/// Checks `Sec-Fetch-Site`, which no page can forge, or else `Origin`. Clients that are not
/// browsers send neither and need no protection.
pub fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    headers.get(header::ORIGIN).is_none_or(|sent| sent == origin)
}

/// Chromium also applies `form-action` to the redirect after a form post, so the policy lists the
/// origins of all registered redirect URIs.
pub fn content_security_policy(redirect_origins: &[String]) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; \
         frame-ancestors 'none'; base-uri 'none'",
        redirect_origins.join(" ")
    );
    // Serialized origins are ASCII, so this fallback should never be needed.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Applies to errors and redirects too. A handler may set its own `Cache-Control` and
/// `Referrer-Policy`.
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
