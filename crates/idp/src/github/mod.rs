//! GitHub's dialect: OAuth 2.0 with errors answered 200, tokens that do not expire, and a REST API
//! beside it.

mod api;
mod token;

use axum::Router;
use axum::routing::{any, delete, get, post};

use crate::app::Shared;
use crate::provider::Provider;

/// Every route below `/github` but those of the consent page.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route(Provider::Github.token_path(), post(token::token))
        .route(Provider::Github.userinfo_path(), get(api::user))
        .route("/github/api/user/emails", get(api::emails))
        .route("/github/api/user/repos", get(api::repos))
        .route("/github/api/applications/{client_id}/grant", delete(api::delete_grant))
        .route("/github/api/{*path}", any(api::not_found))
}
