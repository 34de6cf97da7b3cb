//! The configuration.

use url::Url;

pub(crate) const PATH: &str = "/calendar-printer";
/// The only scope that it requests.
pub(crate) const SCOPE: &str = "calendar:read";

/// The `client_id` in development.
pub const CLIENT_ID: &str = "calendar-printer";

/// The redirect URI to register (RFC 6749 §3.1.2).
#[must_use]
pub fn redirect_uri(origin: &str) -> String {
    format!("{origin}{PATH}/callback")
}

pub struct Config {
    /// The public origin, without a slash at the end.
    pub origin: String,
    /// From the registration at the authorization server.
    pub client_id: String,
    pub client_secret: String,
    /// The URI of the API (RFC 8707 §2). Its events are at `{resource}/v1/…`.
    pub resource: String,
    /// The API's metadata (RFC 9728 §3), from which everything else is discovered.
    pub api_metadata: Url,
    /// The API's name on pages.
    pub api_name: String,
}

impl Config {
    pub(crate) fn redirect_uri(&self) -> String {
        redirect_uri(&self.origin)
    }
}
