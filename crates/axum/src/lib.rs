//! Sign-in for any axum application: OAuth or a password, a session or a JWT.
//!
//! ```no_run
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! use std::net::SocketAddr;
//!
//! use axum::{Router, routing::get};
//! use latchkey_axum::{Caller, Latchkey};
//! use tokio::net::TcpListener;
//!
//! async fn hello(caller: Option<Caller>) -> String {
//!     caller.map_or("Hello, stranger".to_owned(), |caller| format!("Hello, {}", caller.user.name))
//! }
//!
//! let latchkey = Latchkey::from_env().await?;
//! // In development, with the feature `local-idp`: simulates providers without credentials.
//! # #[cfg(feature = "local-idp")]
//! latchkey.start_local_provider().await?;
//! let listener = TcpListener::bind(&*latchkey.config.listen).await?;
//! let app = Router::new()
//!     .route("/", get(hello))
//!     .layer(latchkey.layer())
//!     .merge(latchkey.routes())
//!     .with_state(latchkey)
//!     // Rate limits count by the client's address.
//!     .into_make_service_with_connect_info::<SocketAddr>();
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Any state `S` works for which `Latchkey: FromRef<S>`. To change how errors look,
//! which roles new users get, or what else a provider is used for, implement [`Host`].

pub mod audit;
pub mod caller;
pub mod client;
pub mod config;
pub mod cookies;
pub mod errors;
pub mod extract;
pub mod host;
pub mod limits;
#[cfg(feature = "local-idp")]
pub mod local_provider;
pub mod metrics;
pub mod middleware;
mod mount;
pub mod password;
pub mod refresh;
pub mod routes;
pub mod settings;
pub mod sign_in;
mod state;

pub use caller::{ApiCaller, Caller, Credential, Jwt};
pub use client::Client;
pub use config::{Config, Product};
pub use cookies::{CookieProfile, ResponseCookies};
pub use errors::{Action, AppError, Entry, ErrorResponses, HandlerResult, Owner, Problem};
pub use errors::{catalogue, sign_in_page};
pub use extract::{JsonBody, PathId, QueryParams, StrictForm};
pub use host::{ConnectCallback, FailedSignIn, FailedSignUp, Host, SignUpOutcome};
pub use mount::StartError;
pub use routes::Routes;
pub use sign_in::{
    SignInContext, SignedIn, clear_credentials, end_sign_in, session_layer, sign_out,
};
pub use state::{Error, Latchkey};
/// The crates whose types appear in signatures here.
pub use {latchkey_auth as auth, latchkey_domain as domain, latchkey_store as store};
pub use {tower_sessions, url};
