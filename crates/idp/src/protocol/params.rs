//! Request parameters, `application/x-www-form-urlencoded`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, RawForm, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use strum::IntoStaticStr;
use url::form_urlencoded;

use crate::app::Shared;
use crate::pages::Problem;

/// The maximum length of a query or form. The router's body limit enforces it for forms.
pub const MAX_BYTES: usize = 32 * 1024;

/// The parameters of a request, in order. Empty ones count as omitted (RFC 6749 §3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
pub enum ParamsError {
    #[strum(serialize = "The body must be application/x-www-form-urlencoded.")]
    NotAForm,
    #[strum(serialize = "The form is larger than 32 kilobytes.")]
    FormTooLarge,
    #[strum(serialize = "The query is longer than 32 kilobytes.")]
    QueryTooLong,
}

impl Params {
    pub fn parse(raw: &[u8]) -> Self {
        form_urlencoded::parse(raw)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// `None` if the parameter is missing or repeated.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut same = self.0.iter().filter(|(key, _)| key == name);
        let (_, value) = same.next()?;
        same.next().is_none().then_some(value)
    }

    /// All values of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The first repeated parameter.
    pub fn repeated(&self) -> Option<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| self.all(name).nth(1).is_some())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// The query of a GET or DELETE, or the form of a POST, but not both: URLs must have no secrets.
impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ParamsError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE) {
            let query = request.uri().query().unwrap_or_default().as_bytes();
            return match query.len() {
                0..=MAX_BYTES => Ok(Self::parse(query)),
                _ => Err(ParamsError::QueryTooLong),
            };
        }
        match RawForm::from_request(request, state).await {
            Ok(RawForm(form)) => Ok(Self::parse(&form)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ParamsError::FormTooLarge)
            }
            Err(_) => Err(ParamsError::NotAForm),
        }
    }
}

/// A request. Handlers report invalid parameters in the terms of their dialect.
pub struct Call {
    pub app: Shared,
    pub headers: HeaderMap,
    pub params: Result<Params, ParamsError>,
}

impl FromRequest<Shared> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Infallible> {
        let headers = request.headers().clone();
        Ok(Self { app: Arc::clone(app), headers, params: Params::from_request(request, app).await })
    }
}

impl IntoResponse for ParamsError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::FormTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueryTooLong => StatusCode::URI_TOO_LONG,
        };
        Problem::new(status, <&str>::from(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_return_single_values_and_detect_repeats() {
        let params = Params::parse(b"a=1&b=&c=x+y%2Bz&a=2&c2=%E2%82%AC&b=");
        assert_eq!(params.get("a"), None);
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(params.get("b"), None);
        assert_eq!(params.get("c"), Some("x y+z"));
        assert_eq!(params.get("c2"), Some("€"));
        assert_eq!(params.repeated(), Some("a"));
        assert_eq!(Params::parse(b"b=&b=&c=1").repeated(), None);
    }
}
