//! Google's dialect: OpenID Connect Core 1.0, authorization code flow.

mod apis;
mod id_token;
mod introspection;
mod metadata;
mod revocation;
mod token;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::app::Shared;
use crate::provider::Provider;

/// Every route below `/google` but those of the consent page.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/google/.well-known/openid-configuration", get(metadata::discovery))
        // RFC 8414 §3.1: before the path of the issuer.
        .route("/.well-known/oauth-authorization-server/google", get(metadata::discovery))
        .route("/google/jwks", get(metadata::jwks))
        .route(Provider::Google.token_path(), post(token::token))
        .route("/google/revoke", post(revocation::revoke))
        .route("/google/introspect", post(introspection::introspect))
        .route("/google/authorizations", get(introspection::authorizations))
        .route("/google/authorizations/{id}", delete(introspection::revoke_authorization))
        .route("/google/calendar/v3/calendars/{calendar}/events", get(apis::events))
        .route("/google/people/v1/people/me/connections", get(apis::connections))
        .route(
            Provider::Google.userinfo_path(),
            // OIDC Core §5.3.1: both methods.
            get(id_token::userinfo).post(id_token::userinfo),
        )
}
