//! Under which name we are called: `PUBLIC_URL`, and what leads to it.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Version, header};
use latchkey_auth::oauth::discovery::is_loopback;
use url::{Host, Url};

use crate::config::Config;
use crate::errors::{AppError, catalogue};

/// A name that a request is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// The public one, or one that is as good: a proxy's or another port.
    Ours,
    /// Another name for the same site, under which a browser has no cookies.
    Alias,
    Stranger,
}

/// What is answered in place of the route to a request under another name.
///
/// Pages that were opened under an alias lead to `PUBLIC_URL`, before any cookie
/// is set under the wrong name: the sign-in would come back to a name under
/// which the browser has no cookie. Programs may use an alias.
///
/// In development a stranger is refused: a page on the web can give its own name
/// the address of this machine, and read what it is answered (DNS rebinding).
/// Elsewhere it is a proxy's name for us, and no harm: nothing is derived from it.
pub(super) fn check(request: &Request, config: &Config, is_page: bool) -> Option<Response> {
    let development = config.is_development();
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        // RFC 9112 §3.2; before HTTP/1.1 there was no such header.
        (None, _) if !development && request.version() < Version::HTTP_11 => return None,
        _ => {
            let detail = "A request has to name its host, once.";
            return Some(AppError::new(catalogue::BAD_REQUEST).detail(detail).into_response());
        }
    };
    // RFC 9112 §3.2.2: one in the request's target counts before the header.
    let host = request.uri().authority().map_or(host, |authority| authority.as_str());
    match name(host, &config.public_url) {
        Name::Alias if is_page && request.method().is_safe() => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Some(Redirect::temporary(&config.absolute(path)).into_response())
        }
        Name::Stranger if development => Some(
            AppError::new(catalogue::UNKNOWN_HOST)
                .fact("This site", config.origin())
                .into_response(),
        ),
        _ => None,
    }
}

fn name(host: &str, public_url: &Url) -> Name {
    // Nearly every request has the public one: only the others are parsed.
    if host.eq_ignore_ascii_case(public_url.authority()) {
        return Name::Ours;
    }
    let url = match Url::parse(&format!("{}://{host}", public_url.scheme())) {
        Ok(url) if is_bare(&url) => url,
        _ => return Name::Stranger,
    };
    let [its, ours] = [&url, public_url].map(|url| url.host_str().unwrap_or_default());
    let is_this_machine = is_loopback(&url) || is_unspecified(&url);
    if its == ours {
        Name::Ours
    } else if without_www(its) == without_www(ours) {
        Name::Alias
    } else if !(is_this_machine && is_loopback(public_url)) {
        Name::Stranger
    } else if url.port_or_known_default() == public_url.port_or_known_default() {
        Name::Alias
    } else {
        // Another port: a proxy's, or another instance's.
        Name::Ours
    }
}

/// Whether it is nothing but a host and a port.
fn is_bare(url: &Url) -> bool {
    url.username().is_empty()
        && url.password().is_none()
        && &url[url::Position::BeforePath..] == "/"
}

fn without_www(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    host.strip_prefix("www.").unwrap_or(host)
}

/// `0.0.0.0` or `[::]`: what programs print that listen everywhere, and browsers open.
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
    fn names_of_this_site_and_of_strangers() -> Result<(), url::ParseError> {
        const LOCAL: &str = "http://localhost:3000";
        const PUBLIC: &str = "https://app.example.com";
        for (public, host, expected) in [
            (LOCAL, "localhost:3000", Name::Ours),
            (LOCAL, "LOCALHOST:3000", Name::Ours),
            (LOCAL, "localhost:8080", Name::Ours),
            (LOCAL, "127.0.0.1:4000", Name::Ours),
            (LOCAL, "127.0.0.1:3000", Name::Alias),
            (LOCAL, "[::1]:3000", Name::Alias),
            (LOCAL, "0.0.0.0:3000", Name::Alias),
            (LOCAL, "[::]:3000", Name::Alias),
            (LOCAL, "www.localhost:3000", Name::Alias),
            (LOCAL, "localhost.:3000", Name::Alias),
            (LOCAL, "rebound.evil.test:3000", Name::Stranger),
            (LOCAL, "192.168.1.7:3000", Name::Stranger),
            (LOCAL, "localhost.evil.test:3000", Name::Stranger),
            (LOCAL, "evil.test@localhost:3000", Name::Stranger),
            (LOCAL, "localhost:3000/x", Name::Stranger),
            (LOCAL, "x y", Name::Stranger),
            (LOCAL, "", Name::Stranger),
            ("http://127.0.0.1:3000", "localhost:3000", Name::Alias),
            (PUBLIC, "app.example.com", Name::Ours),
            (PUBLIC, "app.example.com:443", Name::Ours),
            (PUBLIC, "www.app.example.com", Name::Alias),
            (PUBLIC, "WWW.App.Example.com:443", Name::Alias),
            (PUBLIC, "app.example.com.", Name::Alias),
            ("https://www.example.com", "example.com", Name::Alias),
            (PUBLIC, "example.com", Name::Stranger),
            (PUBLIC, "127.0.0.1:3000", Name::Stranger),
            (PUBLIC, "latchkey:3000", Name::Stranger),
        ] {
            assert_eq!(name(host, &Url::parse(public)?), expected, "{public} {host}");
        }
        Ok(())
    }
}
