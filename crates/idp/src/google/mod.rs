//! Google's dialect: OpenID Connect Core 1.0, authorization code flow.

mod discovery;
mod id_token;
mod keys;
mod token;
mod userinfo;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{Provider, app::Shared};

/// Every route below `/google` but those of the consent page.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/google/.well-known/openid-configuration", get(discovery::show))
        .route("/google/jwks", get(keys::show))
        .route(Provider::Google.token_path(), post(token::token))
        .route(
            Provider::Google.userinfo_path(),
            // OIDC Core §5.3.1: both methods.
            get(userinfo::show).post(userinfo::show),
        )
}
