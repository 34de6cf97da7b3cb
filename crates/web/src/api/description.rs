//! The parts of the OpenAPI document that concern the whole API.

use latchkey_axum::{Problem, Product};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};

use crate::cookies::{SESSION, TOKEN};

#[derive(OpenApi)]
#[openapi(
    info(
        description = "Two small resources and the user who owns them. Every route takes any of four credentials: the session cookie, the JWT cookie, a JWT as a bearer token, or another app’s opaque OAuth token.",
        license(name = "MIT")
    ),
    servers((url = "/", description = "This instance")),
    components(schemas(Problem)),
)]
pub(super) struct Description;

/// Sets the title and the credentials, whose cookies are named after the product.
pub(super) fn set_product(document: &mut Document, product: &Product) {
    document.info.title.clone_from(&product.name);
    let prefix = &product.cookie_prefix;
    let cookie = |base: &str, description: &str| {
        let name = format!("__Host-{prefix}_{base}");
        let description = format!("{description}; {prefix}_{base}_<port> on http.");
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
                "Another app’s opaque access token (RFC 6750 §2.1), introspected at its issuer (RFC 7662). /.well-known/oauth-protected-resource names the issuer (RFC 9728).",
            ))
            .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("session", cookie(SESSION, "A server session"));
    components.add_security_scheme("jwt_cookie", cookie(TOKEN, "A JWT in a cookie"));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("oauth", SecurityScheme::Http(oauth));
}

/// Adds the other credentials, with the same scopes, to each operation that names only
/// the session.
pub(super) fn allow_every_credential(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for security in operations.into_iter().flatten().filter_map(|one| one.security.as_mut()) {
            let [only] = security.as_slice() else { continue };
            let scopes = serde_json::to_value(only).unwrap_or_default()["session"].take();
            let scopes: Vec<String> = serde_json::from_value(scopes).unwrap_or_default();
            let others = ["jwt_cookie", "bearer", "oauth"];
            security.extend(others.map(|name| SecurityRequirement::new(name, &scopes)));
        }
    }
}
