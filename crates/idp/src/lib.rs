//! The local provider: an identity provider for development that plays Google, GitHub and Facebook
//! over real HTTP, each in its own dialect, with no account and no internet.
//!
//! It believes anyone who clicks a name, so it only ever answers on loopback. In everything else
//! it is strict, so that an application that works here works elsewhere: registered clients,
//! redirect URIs compared byte for byte, PKCE with S256, codes that work once and for a minute.
//! And it can be told to misbehave, so that the application can be seen to notice.
//!
//! | | Google | GitHub | Facebook |
//! |---|---|---|---|
//! | authorization | `/google/authorize` | `/github/login/oauth/authorize` | `/facebook/v23.0/dialog/oauth` |
//! | token | `/google/token` | `/github/login/oauth/access_token` | `/facebook/v23.0/oauth/access_token` |
//! | person | `/google/userinfo` | `/github/api/user`, `/github/api/user/emails` | `/facebook/v23.0/me` |
//! | revocation | `POST /google/revoke` | `DELETE /github/api/applications/{client_id}/grant` | `DELETE /facebook/v23.0/me/permissions` |
//! | resources | `/google/calendar/v3/calendars/primary/events`, `/google/people/v1/people/me/connections` | `/github/api/user/repos` | |
//! | metadata | `/google/.well-known/openid-configuration`, `/google/jwks` | | |
//!
//! Google's player is also an authorization server for APIs of others ([`Api`]): `resource` (RFC
//! 8707) at both endpoints, `POST /google/introspect` (RFC 7662), its metadata at
//! `/.well-known/oauth-authorization-server/google` (RFC 8414), and for the API itself the list of
//! applications with access to it: `GET /google/authorizations?sub=…`, `DELETE
//! /google/authorizations/{id}`. `examples/calendar-printer` is a third-party application to see it
//! with.
//!
//! A refresh token comes with `access_type=offline` and something to consent to, or with
//! `prompt=consent`. Revoking a token of either kind ends the consent of that person for that
//! application and API, with every token of it.
//!
//! Below each authorization endpoint, `…/decide` takes the consent form and `…/people` makes up
//! another person. A test posts the authorization parameters to `…/decide` together with
//! `decision` (`allow` or `decline`), `person`, `scope` (repeated; what is ticked) and `misbehave`.
//! A `person` of `passing-…` is made up on the spot from `name`, `email` and `verified`, and
//! stored nowhere.

#![expect(unreachable_pub, reason = "the modules are private; `pub` is what one offers the others")]

mod app;
mod config;
mod consent;
mod facebook;
mod github;
mod google;
mod guard;
mod home;
mod json_file;
mod keys;
mod kit;
mod misbehave;
mod pages;
mod people;
mod prelude;
mod protocol;
mod provider;
mod resources;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, map_response_with_state};
use axum::routing::get;

pub use crate::config::{Api, Client, Config, Error};
pub use crate::guard::loopback_only;
pub use crate::kit::{Clock, random_token};
pub use crate::provider::Provider;

use crate::pages::Problem;

/// The whole provider, on the machine's clock.
pub fn router(config: Config) -> Result<Router, Error> {
    router_with_clock(config, Clock::system())
}

pub fn router_with_clock(mut config: Config, clock: Clock) -> Result<Router, Error> {
    let grants_file = config.grants_file.take();
    let app = Arc::new(app::App::new(config, clock)?);
    if let Some(path) = grants_file {
        protocol::grant_store::start(path, &app)?;
    }
    let policy = guard::content_security_policy(&app.clients.redirect_origins());
    let consent = Provider::ALL.into_iter().map(consent::routes).fold(Router::new(), Router::merge);
    let router = Router::new()
        .route("/", get(home::show))
        .route("/healthz", get(home::health))
        .route("/static/local-provider.css", get(home::stylesheet))
        .route("/static/icon.svg", get(home::icon))
        .route("/avatars/{file}", get(home::avatar))
        .merge(consent)
        .merge(google::routes())
        .merge(github::routes())
        .merge(facebook::routes())
        .fallback(async || Problem::from(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::from(StatusCode::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(protocol::params::MAX_BYTES))
        .layer(from_fn(guard::loopback_only))
        .layer(map_response_with_state(policy, guard::security_headers))
        .with_state(app);
    Ok(router)
}
