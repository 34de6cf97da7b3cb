//! Cookies with hints for a later page: the sign-in method used last, and flash
//! messages. They are not secret, and only texts on pages depend on them.

use std::convert::Infallible;

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;
use latchkey_axum::{CookieProfile, Latchkey, ResponseCookies};
use latchkey_domain::Span;
use url::form_urlencoded;

/// The sign-in method that this browser used last.
pub(crate) const LAST_USED: (&str, Span) = ("last_used", Span::days(400));

/// The flash message for the next home page.
pub(crate) const DONE: (&str, Span) = ("done", Span::minutes(1));

#[derive(Debug)]
pub struct Hints {
    cookies: CookieProfile,
    request_headers: HeaderMap,
    response: ResponseCookies,
}

impl<S: Send + Sync> FromRequestParts<S> for Hints
where
    Latchkey: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let response = parts.extensions.get().cloned().unwrap_or_default();
        let cookies = Latchkey::from_ref(state).cookies.clone();
        Ok(Self { cookies, request_headers: parts.headers.clone(), response })
    }
}

impl Hints {
    pub(crate) fn new(cookies: CookieProfile, response: ResponseCookies) -> Self {
        Self { cookies, request_headers: HeaderMap::new(), response }
    }

    pub(crate) fn set(&self, (name, age): (&str, Span), value: &str) {
        if self.get((name, age)).as_deref() != Some(value) {
            let value = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            self.response.add(vec![self.cookies.cookie(name, value, age)]);
        }
    }

    pub(crate) fn get(&self, (name, _): (&str, Span)) -> Option<String> {
        let value = self.cookies.value(&self.request_headers, name)?;
        form_urlencoded::parse(value.as_bytes()).next().map(|(text, _)| text.into_owned())
    }

    /// Returns a hint and removes its cookie.
    pub(crate) fn take(&self, hint: (&str, Span)) -> Option<String> {
        let value = self.get(hint)?;
        self.response.add(vec![self.cookies.removal(hint.0)]);
        Some(value)
    }
}
