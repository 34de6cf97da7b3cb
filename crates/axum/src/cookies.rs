//! How cookies are named and marked: by `PUBLIC_URL`, never by the request.

use parking_lot::Mutex;
use std::sync::Arc;

use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderMap, HeaderValue, header};
use latchkey_domain::Span;
use tower_sessions::cookie::{Cookie, SameSite, time::Duration};
use url::Url;

/// The name of the server session's cookie, without a prefix.
pub const SESSION: &str = "latchkey_session";

/// The name of the access token's cookie, without a prefix.
pub const TOKEN: &str = "latchkey_token";

/// The name of the refresh token's cookie, without a prefix.
pub const REFRESH: &str = "latchkey_refresh";

/// The name of the cookie with an identity that waits to be linked.
pub const PENDING_LINK: &str = "latchkey_pending_link";

/// Whether cookies are `Secure`, and so may be called `__Host-`.
///
/// On https they are. On http they cannot be: Safari drops `Secure` cookies
/// there even on loopback, where others make an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieProfile {
    secure: bool,
}

impl CookieProfile {
    /// The profile that goes with a public URL.
    pub fn of(public_url: &Url) -> Self {
        Self { secure: public_url.scheme() == "https" }
    }

    pub const fn is_secure(self) -> bool {
        self.secure
    }

    /// A cookie's whole name: with `__Host-`, no other host and no subdomain
    /// can have set it (RFC 6265bis §4.1.3.2).
    pub fn name(self, base: &str) -> String {
        format!("{}{base}", self.prefix())
    }

    const fn prefix(self) -> &'static str {
        if self.secure { "__Host-" } else { "" }
    }

    /// A cookie for the whole origin that no script can read.
    pub fn cookie(self, base: &str, value: String, max_age: Span) -> Cookie<'static> {
        Cookie::build((self.name(base), value))
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .path("/")
            .max_age(Duration::seconds(max_age.as_seconds()))
            .build()
    }

    /// What takes a cookie away; with the same marks, or a browser keeps it.
    pub fn removal(self, base: &str) -> Cookie<'static> {
        self.cookie(base, String::new(), Span::seconds(0))
    }

    /// The value of a cookie that the browser sent.
    pub fn value<'h>(self, headers: &'h HeaderMap, base: &str) -> Option<&'h str> {
        request_cookies(headers)
            .find(|(name, _)| name.strip_prefix(self.prefix()) == Some(base))
            .map(|(_, value)| value)
    }

    /// The cookies that the browser sent whose names begin so, without the prefix.
    pub fn beginning_with<'h>(
        self,
        headers: &'h HeaderMap,
        base: &str,
    ) -> impl Iterator<Item = (&'h str, &'h str)> {
        let base = base.to_owned();
        request_cookies(headers).filter_map(move |(name, value)| {
            let name = name.strip_prefix(self.prefix())?;
            name.starts_with(&base).then_some((name, value))
        })
    }
}

/// The cookies that the browser sent, as they stand in the header.
fn request_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// Cookies queued on the way to the response, by extractors for one (a token
/// that was refreshed).
#[derive(Clone, Debug, Default)]
pub struct ResponseCookies(Arc<Mutex<Vec<Cookie<'static>>>>);

impl ResponseCookies {
    /// A later one of the same name wins.
    pub fn add(&self, cookies: Vec<Cookie<'static>>) {
        let mut waiting = self.0.lock();
        waiting.retain(|one| cookies.iter().all(|other| other.name() != one.name()));
        waiting.extend(cookies);
    }

    pub(crate) fn append_to(&self, headers: &mut HeaderMap) {
        append(std::mem::take(&mut *self.0.lock()), headers);
    }
}

/// Cookies to be set by a response.
#[derive(Debug, Default)]
pub struct SetCookies(pub Vec<Cookie<'static>>);

impl IntoResponseParts for SetCookies {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        append(self.0, parts.headers_mut());
        Ok(parts)
    }
}

fn append(cookies: Vec<Cookie<'static>>, headers: &mut HeaderMap) {
    for cookie in cookies {
        // Names and values are ours: base64url and the like.
        if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(url: &str) -> CookieProfile {
        CookieProfile::of(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn the_profile_follows_the_public_url() {
        let cookie = |url| profile(url).cookie("x", "1".to_owned(), Span::minutes(1)).to_string();
        assert_eq!(
            cookie("https://app.test"),
            "__Host-x=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        assert_eq!(
            cookie("http://localhost:3000"),
            "x=1; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
    }

    #[test]
    fn a_removal_keeps_its_marks() {
        assert_eq!(
            profile("https://app.test").removal(SESSION).to_string(),
            "__Host-latchkey_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("ax=0; x=1;xy=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-x=3"));
        assert_eq!(profile("http://localhost").value(&headers, "x"), Some("1"));
        assert_eq!(profile("https://app.test").value(&headers, "x"), Some("3"));
        let found: Vec<_> = profile("http://localhost").beginning_with(&headers, "x").collect();
        assert_eq!(found, [("x", "1"), ("xy", "2")]);
    }
}
