//! JSON bodies and identifiers in paths, with our own words for those that cannot be read.

use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::errors::{Fault, body_refused, catalogue};

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let parsed: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        match parsed {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refused(&rejection).oauth_error("invalid_request")),
        }
    }
}

fn refused(rejection: &JsonRejection) -> Fault {
    match rejection {
        // What serde says of a body quotes it, and it may hold a password.
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
            Fault::new(catalogue::BAD_REQUEST)
                .detail("The body is not the JSON this route expects; see /docs.")
        }
        other => body_refused(other.status(), other),
    }
}

/// An identifier in the path. One that cannot be any is one that nobody has.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| Fault::new(catalogue::NOT_FOUND))
    }
}

/// The query.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|_| {
            Fault::new(catalogue::BAD_REQUEST)
                .detail("A query parameter is not what this route expects; see /docs.")
        })
    }
}
