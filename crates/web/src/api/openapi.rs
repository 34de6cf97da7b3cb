//! The description of the API, made from the code itself (OpenAPI 3.1).

use std::collections::BTreeMap;

use axum::Json;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};

use super::{admin, calendar, contacts, me, sessions, token};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey",
        description = "Two small resources with an owner, and a person who owns them. Every route takes any key: the session cookie, the JWT cookie, or a JWT as a bearer token.",
        license(name = "MIT")
    ),
    servers((url = "/", description = "This instance")),
    paths(
        me::show,
        sessions::list,
        sessions::end_one,
        token::issue,
        token::refresh,
        token::revoke,
        calendar::list,
        contacts::list,
        contacts::create,
        contacts::show,
        contacts::update,
        contacts::delete,
        admin::users,
    ),
    components(schemas(Problem)),
    modifiers(&Keys)
)]
struct Description;

/// The whole description.
#[must_use]
pub fn document() -> Document {
    Description::openapi()
}

/// `GET /openapi.json`
pub(super) async fn serve() -> Json<Document> {
    Json(document())
}

/// The keys that open the API.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut Document) {
        let cookie = |name: &str, description: &str| {
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(name, description)))
        };
        let bearer = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("An access token (RFC 6750 §2.1, RFC 9068)."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "session",
            cookie("latchkey_session", "A server session; __Host-latchkey_session on https."),
        );
        components.add_security_scheme(
            "jwt_cookie",
            cookie("latchkey_token", "A JWT in a cookie; __Host-latchkey_token on https."),
        );
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// What went wrong (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what middleware::faults writes")]
struct Problem {
    /// The page of this error.
    #[schema(format = Uri)]
    r#type: String,
    /// A short title.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What happened, in one sentence.
    detail: String,
    /// The stable name of the error.
    code: String,
    /// The request, to be quoted.
    trace_id: String,
    /// What RFC 6749 §5.2 calls it, on the token routes.
    #[schema(nullable = false)]
    error: Option<String>,
    /// The fields that do not make sense.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
}

/// A field that does not make sense.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what middleware::faults writes")]
struct FieldError {
    /// Which field.
    field: String,
    /// What is wrong with it.
    message: String,
}

/// How any route may refuse.
pub(super) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const REFUSALS: [(&str, &str); 10] = [
            ("400", "The request cannot be understood"),
            ("401", "Nobody can be recognised by what came along"),
            ("403", "The key, or the person, may not do this"),
            ("404", "There is nothing here that the caller has"),
            ("405", "Not with this method"),
            ("409", "It does not fit with what is there"),
            ("413", "Too large"),
            ("415", "Not this kind of content"),
            ("422", "Fields that do not make sense"),
            ("503", "The database, or the provider, does not answer"),
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
        REFUSALS.into_iter().map(response).collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_operation_is_described() {
        let document = serde_json::to_value(super::document()).expect("JSON");
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        let operations: usize = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, path)| path.as_object().map_or(0, serde_json::Map::len))
            .sum();
        assert_eq!(operations, 13);
    }
}
