//! The API, `/api/v1`: the same routes whichever key is carried.

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

/// Every operation of the API, described and routed.
pub(super) fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(latchkey_axum::routes::api())
        .routes(routes!(users::read))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end_one))
        .routes(routes!(calendar::list))
        .routes(routes!(contacts::list, contacts::create))
        .routes(routes!(contacts::read, contacts::update, contacts::delete))
        .routes(routes!(users::users))
}

/// The description of the API, made from the code itself (OpenAPI 3.1).
pub fn document(product: &Product) -> OpenApi {
    let mut document = operations().into_openapi();
    description::name(&mut document, product);
    description::take_every_credential(&mut document);
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

/// Whatever else programs ask for is told as they are told everything.
fn not_found() -> MethodRouter<App> {
    any(async || AppError::new(catalogue::NOT_FOUND))
}
