//! The description of the API, made from the code itself (OpenAPI 3.1).

use axum::Json;
use latchkey_axum::routes::token;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{admin, calendar, contacts, me, sessions};
use crate::errors::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey",
        description = "Two small resources and the user who owns them. Every route takes any of four credentials: the session cookie, the JWT cookie, a JWT as a bearer token, or another app's opaque OAuth token.",
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
        let oauth = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("opaque")
            .description(Some(
                "Another app's opaque access token (RFC 6750 §2.1), introspected at its issuer (RFC 7662). /.well-known/oauth-protected-resource names the issuer (RFC 9728).",
            ))
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
        components.add_security_scheme("oauth", SecurityScheme::Http(oauth));
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
