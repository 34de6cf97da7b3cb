//! Facebook's dialect: OAuth 2.0 with the errors of the Graph API, and the Graph API itself.

mod graph;
mod token;

use axum::Router;
use axum::routing::{delete, get};

use crate::app::Shared;
use crate::provider::Provider;

/// Every route below `/facebook` but those of the consent page.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route(
            Provider::Facebook.token_path(),
            // Facebook documents GET; secrets in URLs are its own idea.
            get(token::token).post(token::token),
        )
        .route(Provider::Facebook.userinfo_path(), get(graph::me))
        .route("/facebook/v23.0/me/permissions", delete(graph::delete_permissions))
}
