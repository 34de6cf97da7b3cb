//! The API, `/api/v1`: the same routes with every credential.

mod calendar;
mod contacts;
mod description;
mod paging;
mod protected_resource;
mod sessions;
mod users;

use axum::Router;
use axum::routing::{MethodRouter, any, get};
use latchkey_axum::Product;

use crate::prelude::*;
use description::Description;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(latchkey_axum::routes::api())
        .routes(routes!(users::read_profile))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::revoke_session))
        .routes(routes!(calendar::list_events))
        .routes(routes!(contacts::list_contacts, contacts::create_contact))
        .routes(routes!(contacts::read_contact, contacts::update_contact, contacts::delete_contact))
        .routes(routes!(users::list_users))
}

/// The OpenAPI 3.1 document, generated from the handlers.
pub fn document(product: &Product) -> OpenApi {
    let mut document = operations().into_openapi();
    description::set_product(&mut document, product);
    description::allow_every_credential(&mut document);
    document
}

pub(crate) fn routes() -> Router<App> {
    Router::from(operations())
        .route(
            "/openapi.json",
            get(async |State(app): State<App>| Json(document(&app.settings.product))),
        )
        .route("/.well-known/oauth-protected-resource", get(protected_resource::metadata))
        .route("/.well-known/oauth-protected-resource/{*path}", get(protected_resource::metadata))
        .route("/api", not_found())
        .route("/api/", not_found())
        .route("/api/{*rest}", not_found())
        .route("/.well-known/", not_found())
        .route("/.well-known/{*rest}", not_found())
}

/// A problem document, not the error page.
fn not_found() -> MethodRouter<App> {
    any(async || AppError::new(catalogue::NOT_FOUND))
}
