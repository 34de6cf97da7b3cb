//! What the application has to be told.

use url::Url;

pub(crate) const PATH: &str = "/calendar-printer";
/// The only thing that it asks for.
pub(crate) const SCOPE: &str = "calendar:read";

/// The `client_id` under which development registers it.
pub const CLIENT_ID: &str = "calendar-printer";

/// The redirect URI to register, RFC 6749 §3.1.2.
#[must_use]
pub fn redirect_uri(origin: &str) -> String {
    format!("{origin}{PATH}/callback")
}

pub struct Config {
    /// Scheme, host and port at which browsers reach it, without a slash at the end.
    pub origin: String,
    /// Its registration at the authorization server.
    pub client_id: String,
    pub client_secret: String,
    /// The API, by the URI that names it: RFC 8707 §2. Its events are at `{resource}/v1/…`.
    pub resource: String,
    /// The API's metadata, RFC 9728 §3: everything else is found from there.
    pub api_metadata: Url,
    /// What people call the API.
    pub api_name: String,
}

impl Config {
    pub(crate) fn redirect_uri(&self) -> String {
        redirect_uri(&self.origin)
    }
}
