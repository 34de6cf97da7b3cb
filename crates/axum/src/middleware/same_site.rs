//! CSRF protection: blocks unsafe requests from other sites.

use http::{HeaderMap, Method, header};

use crate::errors::{Action, AppError, catalogue};

/// Whether a request is safe or from this site.
///
/// Browsers send the origin in headers that pages cannot set: `Sec-Fetch-Site`, or `Origin`
/// in older ones. So forms need no CSRF token. A request without any of them is not from a
/// browser with our cookies: every browser that supports `SameSite` sends `Origin` with POST.
pub(super) fn is_allowed(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if method.is_safe() {
        return true;
    }
    let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = header("sec-fetch-site") {
        // `none` is a bookmark or the address bar. `same-site` is another subdomain or port,
        // so it is not trusted.
        return matches!(site, "same-origin" | "none");
    }
    if let Some(from) = header(header::ORIGIN.as_str()) {
        return from == origin;
    }
    match header(header::REFERER.as_str()) {
        Some(referer) => {
            url::Url::parse(referer).is_ok_and(|url| url.origin().ascii_serialization() == origin)
        }
        None => true,
    }
}

/// The error for a blocked request. It names both origins, because they may be two names of
/// one site.
pub(super) fn refusal(headers: &HeaderMap, origin: &str) -> AppError {
    let error = AppError::new(catalogue::CROSS_SITE_REQUEST);
    let from = headers.get(header::ORIGIN).and_then(|from| from.to_str().ok());
    let from = from.and_then(|from| url::Url::parse(from).ok()).map(|url| url.origin());
    match from.filter(url::Origin::is_tuple).map(|from| from.ascii_serialization()) {
        Some(from) if from != origin => error
            .detail(format!("A page at {from} tried to act here, at {origin}, on your behalf."))
            .fact("From", from)
            .fact("This site", origin)
            .action(Action::link("Open this site", origin)),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_site_unsafe_requests_are_rejected() {
        const OURS: &str = "http://localhost:3000";
        for (method, headers, allowed) in [
            (Method::GET, &[("sec-fetch-site", "cross-site")][..], true),
            (Method::HEAD, &[("origin", "https://evil.test")], true),
            (Method::POST, &[], true),
            (Method::POST, &[("sec-fetch-site", "same-origin")], true),
            (Method::POST, &[("sec-fetch-site", "none")], true),
            (Method::POST, &[("sec-fetch-site", "same-site")], false),
            (Method::POST, &[("sec-fetch-site", "cross-site")], false),
            (Method::POST, &[("sec-fetch-site", "junk")], false),
            (Method::POST, &[("sec-fetch-site", "cross-site"), ("origin", OURS)], false),
            (Method::POST, &[("origin", OURS)], true),
            (Method::POST, &[("origin", "http://localhost:3001")], false),
            (Method::POST, &[("origin", "https://localhost:3000")], false),
            (Method::POST, &[("origin", "null")], false),
            (Method::POST, &[("referer", "http://localhost:3000/sign-in")], true),
            (Method::POST, &[("referer", "http://localhost:3000.evil.test/")], false),
            (Method::DELETE, &[("origin", "https://evil.test")], false),
            (Method::PUT, &[("referer", "junk")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().expect("a header"));
            }
            assert_eq!(is_allowed(&method, &map, OURS), allowed, "{method} {headers:?}");
        }
    }
}
