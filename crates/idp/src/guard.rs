//! Middleware: who may ask, and the headers of every answer.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::is_loopback;
use crate::pages::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers only to names of this machine, so that no foreign site can rebind its own name to
/// loopback and read the answers.
pub async fn loopback_only(request: Request, next: Next) -> Response {
    if host_is_loopback(request.headers()) {
        next.run(request).await
    } else {
        Problem::misdirected().into_response()
    }
}

fn host_is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        // Not from a browser: those always send one.
        return true;
    };
    Authority::try_from(host.as_bytes()).is_ok_and(|authority| is_loopback(authority.host()))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_must_come_from_the_own_page() {
        const OWN: &str = "http://127.0.0.1:3001";
        let site = |value| (SEC_FETCH_SITE, value);
        let origin = |value| (header::ORIGIN, value);
        for (sent, same) in [
            (vec![], true),
            (vec![site("same-origin")], true),
            (vec![site("same-site")], false),
            (vec![site("cross-site")], false),
            (vec![site("none")], false),
            (vec![site("same-origin"), origin("null")], true),
            (vec![site("cross-site"), origin(OWN)], false),
            (vec![origin(OWN)], true),
            (vec![origin("http://localhost:3000")], false),
            (vec![origin("http://127.0.0.1:3001.evil.test")], false),
            (vec![origin("null")], false),
        ] {
            assert_eq!(is_same_origin(&headers(&sent), OWN), same, "{sent:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        for (host, answered) in [
            ("127.0.0.1:3001", true),
            ("localhost", true),
            ("LOCALHOST:3001", true),
            ("[::1]:3001", true),
            ("127.1.2.3:80", true),
            ("evil.test:3001", false),
            ("localhost.evil.test", false),
            ("192.168.1.7:3001", false),
            ("", false),
        ] {
            let sent = headers(&[(header::HOST, host)]);
            assert_eq!(host_is_loopback(&sent), answered, "{host}");
        }
        assert!(host_is_loopback(&HeaderMap::new()));
    }
}
