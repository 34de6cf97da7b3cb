//! Names and attributes of cookies. They depend on `PUBLIC_URL`, never on the request.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderMap, HeaderValue, header};
use latchkey_domain::Span;
use parking_lot::Mutex;
use tower_sessions::cookie::{Cookie, SameSite, time::Duration};
use url::Url;

// Base names: [`CookieProfile::name`] adds a prefix and a suffix.
pub const SESSION: &str = "session";
pub const TOKEN: &str = "token";
pub const REFRESH: &str = "refresh";
/// An identity that is waiting to be linked.
pub const PENDING_LINK: &str = "pending_link";

/// The prefix and suffix of cookie names, their path, and whether they are `Secure`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieProfile {
    product: Arc<str>,
    prefix: Arc<str>,
    suffix: Arc<str>,
    is_secure: bool,
    path: Cow<'static, str>,
}

impl CookieProfile {
    /// For cookies of the whole origin. `product` is the product's cookie prefix.
    pub fn new(public_url: &Url, product: &str) -> Self {
        // On http cookies are not `Secure`: Safari drops those even on loopback. Their names
        // end with the port, because cookies ignore ports (RFC 6265 §8.5): otherwise two apps
        // on one machine would overwrite each other's sessions.
        let port = public_url.port_or_known_default().filter(|_| public_url.scheme() == "http");
        let (prefix, suffix) = match port {
            Some(port) => (format!("{product}_"), format!("_{port}")),
            None => (format!("__Host-{product}_"), String::new()),
        };
        Self {
            product: product.into(),
            prefix: prefix.into(),
            suffix: suffix.into(),
            is_secure: port.is_none(),
            path: Cow::Borrowed("/"),
        }
    }

    /// For cookies of this path only. `__Host-` requires the path `/` (RFC 6265bis
    /// §4.1.3.2), so a subdomain may have set such a cookie.
    pub fn with_path(&self, path: impl Into<Cow<'static, str>>) -> Self {
        let mut other = Self { path: path.into(), ..self.clone() };
        if self.is_secure && other.path != "/" {
            other.prefix = format!("__Secure-{}_", self.product).into();
        }
        other
    }

    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The full name of a cookie.
    pub fn name(&self, base: &str) -> String {
        format!("{}{base}{}", self.prefix, self.suffix)
    }

    /// An HttpOnly cookie with SameSite=Lax.
    pub fn cookie(&self, base: &str, value: String, max_age: Span) -> Cookie<'static> {
        Cookie::build((self.name(base), value))
            .http_only(true)
            .secure(self.is_secure)
            .same_site(SameSite::Lax)
            .path(self.path.clone())
            .max_age(Duration::seconds(max_age.as_seconds()))
            .build()
    }

    /// Deletes a cookie. Its attributes must be the same, or the browser keeps it.
    pub fn removal(&self, base: &str) -> Cookie<'static> {
        self.cookie(base, String::new(), Span::seconds(0))
    }

    /// The value of a cookie that the browser sent.
    pub fn value<'h>(&self, headers: &'h HeaderMap, base: &str) -> Option<&'h str> {
        request_cookies(headers)
            .find(|(name, _)| self.base_name(name) == Some(base))
            .map(|(_, value)| value)
    }

    /// The base names that start with `prefix`, of the cookies that the browser sent.
    pub fn names_starting_with<'h>(
        &self,
        headers: &'h HeaderMap,
        prefix: &str,
    ) -> impl Iterator<Item = &'h str> {
        let names = request_cookies(headers).filter_map(|(name, _)| self.base_name(name));
        names.filter(move |name| name.starts_with(prefix))
    }

    fn base_name<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)
    }
}

/// The cookies of a request, in the browser's order. Skips pairs that are not ASCII: another
/// program on this host may have set them.
fn request_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.is_ascii()))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// Rewrites the `Cookie` header so that every parser reads it the same way: one line, ASCII
/// only, and no name with two different values. A subdomain may have planted one of the two,
/// so both are dropped.
pub(crate) fn tidy(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).into_iter();
    let Some(first) = lines.next() else { return };
    let is_plain = lines.next().is_none() && first.to_str().is_ok();
    let mut sorted: Vec<_> = request_cookies(headers).collect();
    sorted.sort_unstable();
    sorted.dedup();
    // Same name, different values: neighbours after sorting.
    let mut ambiguous = sorted.windows(2).filter(|two| two[0].0 == two[1].0).peekable();
    if is_plain && ambiguous.peek().is_none() {
        return;
    }
    let ambiguous: Vec<_> = ambiguous.map(|two| two[0].0).collect();
    let is_clear = |name| ambiguous.binary_search(&name).is_err();
    let kept = request_cookies(headers).filter(|(name, _)| is_clear(name));
    let kept = kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    match HeaderValue::try_from(kept) {
        Ok(kept) if !kept.is_empty() => drop(headers.insert(header::COOKIE, kept)),
        _ => drop(headers.remove(header::COOKIE)),
    }
}

/// Cookies for the response, for example of a token that an extractor has refreshed.
#[derive(Clone, Debug, Default)]
pub struct ResponseCookies(Arc<Mutex<Vec<Cookie<'static>>>>);

impl ResponseCookies {
    /// Replaces queued cookies of the same name.
    pub fn add(&self, cookies: Vec<Cookie<'static>>) {
        let mut queued = self.0.lock();
        queued.retain(|one| cookies.iter().all(|other| other.name() != one.name()));
        queued.extend(cookies);
    }

    pub(crate) fn append_to(&self, headers: &mut HeaderMap) {
        append(std::mem::take(&mut *self.0.lock()), headers);
    }
}

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
        // Always valid: names and values are ours.
        if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(url: &str) -> CookieProfile {
        CookieProfile::new(&Url::parse(url).expect("a URL"), "app")
    }

    #[test]
    fn cookie_prefix_and_secure_follow_public_url() {
        let cookie = |url| profile(url).cookie("x", "1".to_owned(), Span::minutes(1)).to_string();
        assert_eq!(
            cookie("https://app.test"),
            "__Host-app_x=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        assert_eq!(
            cookie("http://localhost:3000"),
            "app_x_3000=1; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
        assert_eq!(
            profile("https://app.test").with_path("/a").removal("x").to_string(),
            "__Secure-app_x=; HttpOnly; SameSite=Lax; Secure; Path=/a; Max-Age=0"
        );
    }

    #[test]
    fn cookie_removal_keeps_name_and_attributes() {
        assert_eq!(
            profile("https://app.test").removal(SESSION).to_string(),
            "__Host-app_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn cookie_lookup_requires_the_exact_name() {
        let mut headers = HeaderMap::new();
        let line = "x_80=0; app_x_80=1;app_xy_80=2; app_x=3; app_x_8080=4; app_x_080=5; \
                    __Host-app_x=6; b_x_80=7";
        headers.append(header::COOKIE, HeaderValue::from_static(line));
        let port_80 = profile("http://localhost");
        assert_eq!(port_80.value(&headers, "x"), Some("1"));
        assert_eq!(profile("http://localhost:8080").value(&headers, "x"), Some("4"));
        assert_eq!(profile("http://localhost:3000").value(&headers, "x"), None);
        assert_eq!(profile("https://app.test").value(&headers, "x"), Some("6"));
        let found: Vec<_> = port_80.names_starting_with(&headers, "x").collect();
        assert_eq!(found, ["x", "xy"]);
    }

    #[test]
    fn non_ascii_and_conflicting_cookies_are_dropped() {
        for (lines, tidied) in [
            (&[][..], None),
            (&[&b"a=1; b=2"[..]], Some("a=1; b=2")),
            (&[b"  a = 1 ;;b"], Some("  a = 1 ;;b")),
            (&[b"a=1", b"b=2"], Some("a=1; b=2")),
            (&[b"utm=Unders\xc3\xb8gelse; a=1"], Some("a=1")),
            (&[b"a=1; utm=\xff\xfe; b=2"], Some("a=1; b=2")),
            (&[b"\xe2\x82\xac=1"], None),
            (&[b"a=1; b=2; a=3"], Some("b=2")),
            (&[b"a=1; b=2", b"a=3; c=4"], Some("b=2; c=4")),
            (&[b"a=1; b=2; a=1"], Some("a=1; b=2; a=1")),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let line = HeaderValue::from_bytes(line).expect("a header");
                headers.append(header::COOKIE, line);
            }
            tidy(&mut headers);
            let found: Vec<_> = headers.get_all(header::COOKIE).into_iter().collect();
            assert_eq!(found, tidied.into_iter().collect::<Vec<_>>(), "{lines:?}");
        }
    }
}
