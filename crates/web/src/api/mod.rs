//! The API, `/api/v1`: the same routes whichever key is carried.

mod admin;
mod calendar;
mod contacts;
mod me;
pub mod openapi;
mod paging;
pub mod protected_resource;
mod sessions;

use axum::Router;
use axum::routing::get;

use crate::app::App;
use crate::errors::{Fault, catalogue};

/// Every address of the API, and the documents that describe it.
pub(crate) fn routes() -> Router<App> {
    latchkey_axum::routes::api()
        .route("/api/v1/me", get(me::show))
        .route("/api/v1/calendar/events", get(calendar::list))
        .route("/api/v1/contacts", get(contacts::list).post(contacts::create))
        .route(
            "/api/v1/contacts/{id}",
            get(contacts::show).put(contacts::update).delete(contacts::delete),
        )
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/{id}", axum::routing::delete(sessions::end_one))
        .route("/api/v1/admin/users", get(admin::users))
        .route("/api/{*rest}", axum::routing::any(async || Fault::new(catalogue::NOT_FOUND)))
        .route("/openapi.json", get(openapi::serve))
        .route("/.well-known/oauth-protected-resource", get(protected_resource::show))
        .route(
            "/.well-known/oauth-protected-resource/{*path}",
            get(protected_resource::show_by_path),
        )
}
