//! OAuth 2.0 as the three dialects share it.

pub mod authorize;
pub mod credentials;
pub mod grant_store;
pub mod grants;
pub mod params;
pub mod pkce;
pub mod registry;
pub mod scopes;
pub mod token;
