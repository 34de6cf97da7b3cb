//! A form, with our own words for one that cannot be read.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::errors::{Fault, body_refused, catalogue};

/// The fields of a form that was posted.
///
/// A post without a body and a type is an empty form, as HTML has it: all
/// fields of ours have a default or complain for themselves.
#[derive(Debug)]
pub(crate) struct Fields<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Fault;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Fault> {
        const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().entry(header::CONTENT_TYPE).or_insert(FORM);
        match Form::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

fn refused(rejection: &FormRejection) -> Fault {
    match rejection.status() {
        // What the framework calls unprocessable is a field that is there twice.
        StatusCode::UNPROCESSABLE_ENTITY => Fault::new(catalogue::BAD_REQUEST),
        status => body_refused(status, rejection),
    }
}
