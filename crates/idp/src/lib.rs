//! The local provider: an identity provider for development that simulates Google, GitHub and
//! Facebook over real HTTP, each in its own dialect, without accounts or an internet connection.
//!
//! Anyone can sign in by clicking a name, so it answers on loopback only. Everything else is
//! strict, so that an application that works here works elsewhere: registered clients, exact
//! redirect URIs, PKCE with S256, codes that work once and for one minute. It can also be told to
//! misbehave, to show how the application reacts.
//!
//! | | Google | GitHub | Facebook |
//! |---|---|---|---|
//! | authorization | `/google/authorize` | `/github/login/oauth/authorize` | `/facebook/v23.0/dialog/oauth` |
//! | token | `/google/token` | `/github/login/oauth/access_token` | `/facebook/v23.0/oauth/access_token` |
//! | profile | `/google/userinfo` | `/github/api/user`, `/github/api/user/emails` | `/facebook/v23.0/me` |
//! | revocation | `POST /google/revoke` | `DELETE /github/api/applications/{client_id}/grant` | `DELETE /facebook/v23.0/me/permissions` |
//! | resources | `/google/calendar/v3/calendars/primary/events`, `/google/people/v1/people/me/connections` | `/github/api/user/repos` | |
//! | metadata | `/google/.well-known/openid-configuration`, `/google/jwks` | | |
//!
//! The local Google is also an authorization server for other [APIs](Api): `resource` (RFC 8707)
//! at both endpoints, `POST /google/introspect` (RFC 7662), metadata at
//! `/.well-known/oauth-authorization-server/google` (RFC 8414), and, for the API itself, the list
//! of applications with access to it: `GET /google/authorizations?sub=…`, `DELETE
//! /google/authorizations/{id}`. `examples/calendar-printer` is a third-party application that uses
//! it.
//!
//! `access_type=offline` yields a refresh token if there is something new to consent to, or with
//! `prompt=consent`. Revoking an access or refresh token revokes the person's consent for that
//! application and API, with all its tokens.
//!
//! Below each authorization endpoint, `…/decide` takes the consent form and `…/people` creates a
//! person. A test posts the authorization parameters to `…/decide` together with `decision`
//! (`allow` or `decline`), `person`, `scope` (repeated; the selected ones) and `misbehave`. A
//! `person` with the key `passing-…` is created from `name`, `email` and `verified` for one
//! authorization, and is not stored.

#![expect(
    unreachable_pub,
    reason = "the modules are private; `pub` is their interface to each other"
)]

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

/// All routes of the provider, with the system clock.
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
        .route("/", get(home::page))
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
