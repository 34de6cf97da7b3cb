//! Google's dialect: OpenID Connect Core 1.0, authorization code flow.

mod api;
mod authorizations;
mod calendar;
mod discovery;
mod id_token;
mod introspect;
mod keys;
mod people;
mod revoke;
mod token;
mod userinfo;

use axum::{
    Router,
    routing::{delete, get, post},
};

use crate::{Provider, app::Shared};

/// Every route below `/google` but those of the consent page.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/google/.well-known/openid-configuration", get(discovery::show))
        // RFC 8414 §3.1: before the path of the issuer.
        .route("/.well-known/oauth-authorization-server/google", get(discovery::show))
        .route("/google/jwks", get(keys::show))
        .route(Provider::Google.token_path(), post(token::token))
        .route("/google/revoke", post(revoke::revoke))
        .route("/google/introspect", post(introspect::introspect))
        .route("/google/authorizations", get(authorizations::list))
        .route("/google/authorizations/{id}", delete(authorizations::end))
        .route("/google/calendar/v3/calendars/{calendar}/events", get(calendar::list))
        .route("/google/people/v1/people/me/connections", get(people::connections))
        .route(
            Provider::Google.userinfo_path(),
            // OIDC Core §5.3.1: both methods.
            get(userinfo::show).post(userinfo::show),
        )
}
