//! What sign-in has to know of the application that it is mounted in.

use ipnet::IpNet;
use latchkey_auth::http::Proxy;
use latchkey_auth::oauth::discovery::is_loopback;
use latchkey_auth::secret::AppSecret;
use latchkey_auth::tokens::{Algorithm, SigningKey};
use latchkey_domain::Span;
use latchkey_domain::sign_in::Lifetime;
use url::Url;

#[derive(Debug)]
pub struct Config {
    /// The only origin that the app believes in.
    pub public_url: Url,
    pub app_secret: AppSecret,
    pub session: Lifetime,
    /// Whether a session that was read within the last second is not read again.
    pub session_cache: bool,
    pub jwt: JwtSettings,
    /// Where the API says who issues tokens for it (RFC 9728), if it does.
    pub resource_metadata: Option<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// What providers are called through.
    pub outbound_proxy: Option<Proxy>,
}

/// How JWTs are made and believed.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub access_ttl: Span,
    pub refresh_ttl: Span,
    pub algorithm: Algorithm,
    pub private_key: Option<SigningKey>,
    pub issuer: String,
    pub audience: String,
    /// Whether a JWT is refused before it expires, once its sign-in has ended.
    pub revocation: Revocation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    Expiry,
    /// Its `exp`, or the end of its sign-in, which every process hears of within a second.
    Watch,
}

impl Config {
    /// Whether this is somebody's own machine: http on a loopback name.
    pub fn is_development(&self) -> bool {
        self.public_url.scheme() == "http" && is_loopback(&self.public_url)
    }

    /// The origin in the form in which browsers write it in `Origin`.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// The address of one of our pages, as the outside world sees it.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
}
