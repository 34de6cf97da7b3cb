//! Checks the `Host` of requests against `PUBLIC_URL`.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Version, header};
use latchkey_auth::oauth::discovery::is_loopback;
use url::{Host, Url};

use crate::config::Config;
use crate::errors::{AppError, catalogue};

/// How a host name relates to `PUBLIC_URL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostName {
    /// The host of `PUBLIC_URL`, or a loopback name with another port (behind a proxy).
    Canonical,
    /// Another name of this site, with its own cookies in browsers.
    Alias,
    Foreign,
}

/// The response to a request with the wrong host name.
///
/// Pages under an alias redirect to `PUBLIC_URL` before they set cookies: providers redirect
/// to `PUBLIC_URL`, where the browser would not send them. API clients may use an alias.
///
/// In development a foreign name is rejected: a page on the web could point its own name at
/// this machine and read the responses (DNS rebinding). Elsewhere it may be a proxy's name
/// for us, and is harmless because nothing is derived from it.
pub(super) fn check(request: &Request, config: &Config, is_page: bool) -> Option<Response> {
    let development = config.is_development();
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        // RFC 9112 §3.2; HTTP/1.0 does not require the header.
        (None, _) if !development && request.version() < Version::HTTP_11 => return None,
        _ => {
            let detail = "A request must have exactly one Host header.";
            return Some(AppError::new(catalogue::BAD_REQUEST).detail(detail).into_response());
        }
    };
    // RFC 9112 §3.2.2: a host in the request target overrides the header.
    let host = request.uri().authority().map_or(host, |authority| authority.as_str());
    match host_name(host, &config.public_url) {
        HostName::Alias if is_page && request.method().is_safe() => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Some(Redirect::temporary(&config.absolute(path)).into_response())
        }
        HostName::Foreign if development => Some(
            AppError::new(catalogue::UNKNOWN_HOST)
                .fact("This site", config.origin())
                .into_response(),
        ),
        _ => None,
    }
}

fn host_name(host: &str, public_url: &Url) -> HostName {
    // The common case, without parsing.
    if host.eq_ignore_ascii_case(public_url.authority()) {
        return HostName::Canonical;
    }
    let url = match Url::parse(&format!("{}://{host}", public_url.scheme())) {
        Ok(url) if is_bare(&url) => url,
        _ => return HostName::Foreign,
    };
    let [its, ours] = [&url, public_url].map(|url| url.host_str().unwrap_or_default());
    let is_this_machine = is_loopback(&url) || is_unspecified(&url);
    if its == ours {
        HostName::Canonical
    } else if without_www(its) == without_www(ours) {
        HostName::Alias
    } else if !(is_this_machine && is_loopback(public_url)) {
        HostName::Foreign
    } else if url.port_or_known_default() == public_url.port_or_known_default() {
        HostName::Alias
    } else {
        // Another port: of a proxy, or of another instance.
        HostName::Canonical
    }
}

/// Whether there is nothing but a host and a port.
fn is_bare(url: &Url) -> bool {
    url.username().is_empty()
        && url.password().is_none()
        && &url[url::Position::BeforePath..] == "/"
}

fn without_www(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    host.strip_prefix("www.").unwrap_or(host)
}

/// `0.0.0.0` or `[::]`, which servers print and browsers open.
fn is_unspecified(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_unspecified(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_header_is_canonical_alias_or_foreign() -> Result<(), url::ParseError> {
        const LOCAL: &str = "http://localhost:3000";
        const PUBLIC: &str = "https://app.example.com";
        for (public, host, expected) in [
            (LOCAL, "localhost:3000", HostName::Canonical),
            (LOCAL, "LOCALHOST:3000", HostName::Canonical),
            (LOCAL, "localhost:8080", HostName::Canonical),
            (LOCAL, "127.0.0.1:4000", HostName::Canonical),
            (LOCAL, "127.0.0.1:3000", HostName::Alias),
            (LOCAL, "[::1]:3000", HostName::Alias),
            (LOCAL, "0.0.0.0:3000", HostName::Alias),
            (LOCAL, "[::]:3000", HostName::Alias),
            (LOCAL, "www.localhost:3000", HostName::Alias),
            (LOCAL, "localhost.:3000", HostName::Alias),
            (LOCAL, "rebound.evil.test:3000", HostName::Foreign),
            (LOCAL, "192.168.1.7:3000", HostName::Foreign),
            (LOCAL, "localhost.evil.test:3000", HostName::Foreign),
            (LOCAL, "evil.test@localhost:3000", HostName::Foreign),
            (LOCAL, "localhost:3000/x", HostName::Foreign),
            (LOCAL, "x y", HostName::Foreign),
            (LOCAL, "", HostName::Foreign),
            ("http://127.0.0.1:3000", "localhost:3000", HostName::Alias),
            (PUBLIC, "app.example.com", HostName::Canonical),
            (PUBLIC, "app.example.com:443", HostName::Canonical),
            (PUBLIC, "www.app.example.com", HostName::Alias),
            (PUBLIC, "WWW.App.Example.com:443", HostName::Alias),
            (PUBLIC, "app.example.com.", HostName::Alias),
            ("https://www.example.com", "example.com", HostName::Alias),
            (PUBLIC, "example.com", HostName::Foreign),
            (PUBLIC, "127.0.0.1:3000", HostName::Foreign),
            (PUBLIC, "latchkey:3000", HostName::Foreign),
        ] {
            assert_eq!(host_name(host, &Url::parse(public)?), expected, "{public} {host}");
        }
        Ok(())
    }
}
