//! The routes of both doors, and of the token API.

pub mod jwks;
pub mod oauth;
mod password;
mod sign_out;
pub mod token;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};

use crate::errors::{Fault, catalogue};
use crate::host::Host;
use crate::state::Latchkey;

/// Signing in at a provider or with a password, and signing out.
pub fn pages<S: Host>() -> Router<S>
where
    Latchkey: FromRef<S>,
{
    // A look at the headers alone must not use up the code.
    let head = async || Fault::new(catalogue::METHOD_NOT_ALLOWED);
    Router::new()
        .route("/auth/{provider}", post(oauth::start))
        .route("/auth/{provider}/callback", get(oauth::callback::<S>).head(head))
        .route("/sign-in", post(password::submit::<S>))
        .route("/sign-out", post(sign_out::submit))
}

/// Tokens for programs, and the keys that verify them.
pub fn api<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Latchkey: FromRef<S>,
{
    Router::new()
        .route("/api/v1/token", post(token::issue))
        .route("/api/v1/token/refresh", post(token::refresh))
        .route("/api/v1/token/revoke", post(token::revoke))
        .route("/.well-known/jwks.json", get(jwks::jwks))
}
