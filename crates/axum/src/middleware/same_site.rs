//! Requests that other sites make in a person's name (CSRF) are refused.

use http::{HeaderMap, Method, header};

use crate::errors::{Action, AppError, catalogue};

/// Whether a request may do something.
///
/// Browsers say where a request comes from, in headers that pages cannot write:
/// `Sec-Fetch-Site` today, `Origin` for longer. No token has to be carried
/// through forms. What says nothing at all is no browser with cookies of ours:
/// every browser that knows `SameSite` sends `Origin` with a POST.
pub(super) fn is_allowed(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if method.is_safe() {
        return true;
    }
    let says = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = says("sec-fetch-site") {
        // `none` is the person themselves, from a bookmark or the address bar.
        // `same-site` is another origin: a neighbour's subdomain, or port.
        return matches!(site, "same-origin" | "none");
    }
    if let Some(from) = says(header::ORIGIN.as_str()) {
        return from == origin;
    }
    match says(header::REFERER.as_str()) {
        Some(referer) => {
            url::Url::parse(referer).is_ok_and(|url| url.origin().ascii_serialization() == origin)
        }
        None => true,
    }
}

/// Says which two sites they are, where the browser does: it may be one site
/// that was opened under another name.
pub(super) fn refusal(headers: &HeaderMap, origin: &str) -> AppError {
    let error = AppError::new(catalogue::CROSS_SITE);
    let from = headers.get(header::ORIGIN).and_then(|from| from.to_str().ok());
    let from = from.and_then(|from| url::Url::parse(from).ok()).map(|url| url.origin());
    match from.filter(url::Origin::is_tuple).map(|from| from.ascii_serialization()) {
        Some(from) if from != origin => error
            .detail(format!("A page at {from} tried to act here, at {origin}, in your name."))
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
    fn only_our_own_pages_may_do_something() {
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
