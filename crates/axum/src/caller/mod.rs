//! Who is calling, with what, and what they may do.
//!
//! Pages take a [`Caller`], the API an [`ApiCaller`], and ask it for a scope or a
//! role. They never learn which credential it was: the session cookie, a JWT
//! in a cookie, a JWT as a bearer token, or another app's opaque token all yield
//! the same person.

mod bearer;
mod cookie;
mod credential;
mod extract;

pub(crate) use cookie::{clear_token_cookies, set_token_cookies};
pub use credential::{Caller, Credential, Jwt};
pub use extract::ApiCaller;
