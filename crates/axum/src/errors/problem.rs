//! `application/problem+json` (RFC 9457), and its description in the OpenAPI document.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::app_error::AppError;

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// The page of this error.
    #[schema(format = Uri)]
    r#type: String,
    /// A short title.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened, in one sentence.
    detail: String,
    /// The error’s stable code.
    code: &'static str,
    /// The trace ID of the request’s `traceparent`, else the request ID.
    trace_id: String,
    /// On the token routes: the error code of RFC 6749 §5.2.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// The invalid fields.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldError>>,
}

/// An invalid field.
#[derive(Serialize, ToSchema)]
struct FieldError {
    /// The name of the field.
    field: &'static str,
    /// What is wrong with it.
    message: &'static str,
}

impl Problem {
    pub(crate) fn new(error: &AppError, r#type: String, trace_id: &str) -> Self {
        let fields = error.details.invalid.iter();
        let fields: Vec<_> =
            fields.map(|one| FieldError { field: one.field, message: one.message }).collect();
        Self {
            r#type,
            title: error.title(),
            status: error.entry.status.as_u16(),
            detail: error.cause(),
            code: error.entry.code,
            trace_id: trace_id.to_owned(),
            error: error.details.oauth_error,
            errors: (!fields.is_empty()).then_some(fields),
        }
    }
}

/// The errors that any route may return.
pub struct ErrorResponses;

impl IntoResponses for ErrorResponses {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const DESCRIPTIONS: [(&str, &str); 11] = [
            ("400", "The request is not valid"),
            ("401", "The credentials are missing or invalid"),
            ("403", "The credential or the user is not allowed to do this"),
            ("404", "The caller has nothing with this ID"),
            ("405", "Method not allowed"),
            ("409", "Conflicts with existing data"),
            ("413", "Too large"),
            ("415", "Unsupported content type"),
            ("422", "Invalid fields"),
            ("429", "Too many attempts"),
            ("503", "The database or the provider does not answer"),
        ];
        let response = |(status, description): (&str, &str)| {
            let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let mut response = ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content);
            if status == "401" || status == "403" {
                let challenge = HeaderBuilder::new().description(Some("RFC 6750 §3")).build();
                response = response.header("WWW-Authenticate", challenge);
            }
            (status.to_owned(), RefOr::T(response.build()))
        };
        DESCRIPTIONS.into_iter().map(response).collect()
    }
}
