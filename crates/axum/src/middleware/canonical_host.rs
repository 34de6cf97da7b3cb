//! One name for this machine: `127.0.0.1` and `[::1]` lead to `PUBLIC_URL`.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::header;
use latchkey_auth::oauth::discovery::is_loopback;
use url::Url;

use crate::config::Config;

/// In development, sends pages that were opened under another loopback name to
/// the one in `PUBLIC_URL`, before any cookie is set under the wrong name: the
/// sign-in would come back to a name under which the browser has no cookie.
/// Only around pages: programs call under whatever name they like.
pub(super) fn redirect(request: &Request, config: &Config) -> Option<Response> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    if !request.method().is_safe() || !is_other_loopback(host, &config.public_url) {
        return None;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Some(Redirect::temporary(&config.absolute(path)).into_response())
}

/// Whether a `Host` is this machine under another name than the public one.
fn is_other_loopback(host: &str, public_url: &Url) -> bool {
    // Nearly every request has the public one: only the others are parsed.
    !host.eq_ignore_ascii_case(public_url.authority())
        && Url::parse(&format!("http://{host}")).is_ok_and(|url| {
            is_loopback(&url)
                && url.host() != public_url.host()
                && url.port_or_known_default() == public_url.port_or_known_default()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_of_this_machine() -> Result<(), url::ParseError> {
        let public = Url::parse("http://localhost:3000")?;
        for (host, other) in [
            ("localhost:3000", false),
            ("LOCALHOST:3000", false),
            ("127.0.0.1:3000", true),
            ("[::1]:3000", true),
            ("127.0.0.1:4000", false), // a proxy or another instance: not ours to judge
            ("app.example.com", false),
            ("x y", false),
            ("", false),
        ] {
            assert_eq!(is_other_loopback(host, &public), other, "{host}");
        }
        Ok(())
    }
}
