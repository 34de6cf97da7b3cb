//! The extractors that authenticate a request: [`Caller`] for pages, [`ApiCaller`] for the API.
//!
//! Handlers check scopes and roles on the caller, and need not know its credential: a session
//! cookie, a JWT in a cookie, a JWT as a bearer token, or an opaque token of another app.

mod bearer;
mod cookie;
mod credential;
mod extract;

pub(crate) use cookie::{clear_token_cookies, set_token_cookies};
pub use credential::{Caller, Credential, Jwt};
pub use extract::ApiCaller;
