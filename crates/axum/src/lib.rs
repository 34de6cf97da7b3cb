//! Sign-in for any axum application: mount [`routes`], and take a
//! [`caller::PageCaller`] or a [`caller::ApiCaller`].
//!
//! An application brings a state of which [`Latchkey`] is a part
//! (`Latchkey: FromRef<S>`) and says in a [`Host`] what is its own: how an error
//! looks, who gets which role, what else a provider is used for.
//!
//! ```text
//! Router::new()
//!     .route("/", get(home))
//!     .merge(latchkey_axum::routes::pages(&latchkey))
//! ```

pub mod audit;
pub mod caller;
pub mod client;
pub mod config;
pub mod cookies;
pub mod errors;
pub mod extract;
pub mod host;
pub mod limits;
pub mod metrics;
pub mod middleware;
pub mod password;
pub mod refresh;
pub mod replay_guard;
pub mod routes;
pub mod sign_in;
mod state;

pub use config::Config;
pub use host::Host;
pub use sign_in::session_layer;
pub use state::{Error, Latchkey};
