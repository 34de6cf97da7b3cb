//! OAuth 2.0 as the three dialects share it: the decisions, free of HTTP and of HTML.

pub(crate) mod apis;
pub(crate) mod authorize;
pub(crate) mod bearer;
pub(crate) mod client_auth;
pub(crate) mod clients;
pub(crate) mod exchange;
pub(crate) mod grants;
pub(crate) mod params;
pub(crate) mod pkce;
pub(crate) mod reply;
pub(crate) mod scopes;
