//! A form, with our own words for one that cannot be read.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::errors::{Fault, body_refused, catalogue};

/// The fields of a form that was posted.
///
/// A post without a body and a type is an empty form, as HTML has it: all
/// fields of ours have a default or complain for themselves.
#[derive(Debug)]
pub struct Fields<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Fault;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Fault> {
        const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().entry(header::CONTENT_TYPE).or_insert(FORM);
        let form: Result<Form<Pairs>, FormRejection> = Form::from_request(request, state).await;
        let Form(pairs) = form.map_err(|rejection| refused(&rejection))?;
        let pairs = pairs.into_iter().map(|(name, value)| (name, Value::String(value)));
        fields(pairs.collect())
    }
}

type Pairs = Vec<(String, String)>;

/// Makes the fields out of the pairs; a field that is there twice could be read
/// in two ways, and is not read at all.
fn fields<T: DeserializeOwned>(pairs: Vec<(String, Value)>) -> Result<Fields<T>, Fault> {
    let count = pairs.len();
    let object: Map<String, Value> = pairs.into_iter().collect();
    if object.len() != count {
        return Err(Fault::new(catalogue::BAD_REQUEST));
    }
    serde_json::from_value(Value::Object(object))
        .map(Fields)
        .map_err(|_| Fault::new(catalogue::BAD_REQUEST))
}

fn refused(rejection: &FormRejection) -> Fault {
    match rejection.status() {
        // What the framework calls unprocessable is a field that is there twice.
        StatusCode::UNPROCESSABLE_ENTITY => Fault::new(catalogue::BAD_REQUEST),
        status => body_refused(status, rejection),
    }
}
