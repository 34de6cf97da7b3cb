//! Extractors for forms, JSON, queries and IDs, which reject with an [`AppError`].

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request};
use axum::{Form, Json};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::errors::{AppError, body_rejection, catalogue};
use crate::state::Latchkey;

/// A form. Rejects repeated fields. A POST without a body and a content type is an empty form.
#[derive(Debug)]
pub struct StrictForm<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictForm<T> {
    type Rejection = AppError;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, AppError> {
        const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().entry(header::CONTENT_TYPE).or_insert(FORM);
        let form: Result<Form<Vec<(String, String)>>, FormRejection> =
            Form::from_request(request, state).await;
        let bad_request = || AppError::new(catalogue::BAD_REQUEST);
        let Form(pairs) = form.map_err(|rejection| match rejection.status() {
            // The form could not be parsed.
            StatusCode::UNPROCESSABLE_ENTITY => bad_request(),
            status => body_rejection(status, &rejection),
        })?;
        let count = pairs.len();
        let pairs = pairs.into_iter().map(|(name, value)| (name, Value::String(value)));
        let fields: Map<_, _> = pairs.collect();
        // A repeated field is ambiguous.
        if fields.len() != count {
            return Err(bad_request());
        }
        serde_json::from_value(Value::Object(fields)).map(Self).map_err(|_| bad_request())
    }
}

#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let parsed: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        let refused = |rejection: JsonRejection| match &rejection {
            // serde's message quotes the body, which may contain a password.
            JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
                AppError::new(catalogue::BAD_REQUEST)
                    .detail("The body is not the JSON this route expects; see /docs.")
            }
            other => body_rejection(other.status(), other),
        };
        let parsed = parsed.map_err(|rejection| refused(rejection).oauth_error("invalid_request"));
        parsed.map(|Json(body)| Self(body))
    }
}

/// An ID in the path; 404 if it cannot be parsed.
#[derive(Debug)]
pub struct PathId<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| AppError::new(catalogue::NOT_FOUND))
    }
}

#[derive(Debug)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|_| {
            AppError::new(catalogue::BAD_REQUEST)
                .detail("A query parameter is not what this route expects; see /docs.")
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client
where
    Latchkey: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let latchkey = Latchkey::from_ref(state);
        Ok(Self::from_parts(parts, &latchkey.config.trusted_proxies))
    }
}
