//! The settings of sign-in.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use latchkey_auth::http::Proxy;
use latchkey_auth::oauth::discovery::is_loopback;
use latchkey_auth::random;
use latchkey_auth::secret::AppSecret;
use latchkey_auth::tokens::{Algorithm, SigningKey};
use latchkey_domain::{
    CredentialKind, Lifetime, SampleData, SignInMethod, Span, Timestamp, UserId,
};
use url::Url;

/// The name of the application, on pages, in e-mails and at providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub name: String,
    pub cookie_prefix: String,
}

impl Product {
    /// The OAuth client ID of one of the product's clients, such as `acme-web`.
    pub fn client_id(&self, client: &str) -> String {
        format!("{}-{client}", self.cookie_prefix)
    }

    /// Derives the cookie prefix from the name.
    pub fn new(name: &str) -> Self {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        let prefix = if words.is_empty() { "app".to_owned() } else { words.join("_") };
        Self { name: name.to_owned(), cookie_prefix: prefix.to_lowercase() }
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub product: Product,
    /// The only origin that the app trusts.
    pub public_url: Url,
    /// From `HOST` and `PORT`.
    pub listen: Vec<SocketAddr>,
    pub app_secret: AppSecret,
    pub session: Lifetime,
    /// Whether sessions are cached in memory for a second.
    pub session_cache: bool,
    pub jwt: JwtSettings,
    /// The credential that browsers get if the form does not choose one.
    pub sign_in_credential: Option<CredentialKind>,
    /// Whether new accounts start with sample contacts and events.
    pub sample_data: bool,
    pub local_idp: Option<LocalIdp>,
    /// The URL of the API's protected resource metadata (RFC 9728).
    pub resource_metadata: Option<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// Whether HSTS includes subdomains.
    pub hsts_subdomains: bool,
    /// The proxy for calls to providers.
    pub outbound_proxy: Option<Proxy>,
}

/// The local provider, which simulates real ones in development.
#[derive(Clone, Debug)]
pub struct LocalIdp {
    /// Its client.
    pub product: Product,
    pub port: u16,
    /// Not on `localhost`: cookies must behave as between two real sites.
    pub url: Url,
    pub people_file: PathBuf,
}

#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub access_ttl: Span,
    pub refresh_ttl: Span,
    pub algorithm: Algorithm,
    pub private_key: Option<SigningKey>,
    pub issuer: String,
    pub audience: String,
    /// Whether a JWT is rejected as soon as its sign-in is revoked.
    pub revocation: Revocation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// A JWT is valid until its `exp`.
    Expiry,
    /// Every process rejects a revoked JWT within a second.
    Watch,
}

impl Config {
    /// Development means that `PUBLIC_URL` is http on loopback. There is no other switch.
    pub fn is_development(&self) -> bool {
        self.public_url.scheme() == "http" && is_loopback(&self.public_url)
    }

    /// The sample data of a new account.
    pub fn samples(&self, user: UserId, now: Timestamp) -> SampleData {
        if self.sample_data {
            SampleData::new(user, now, random::bytes)
        } else {
            SampleData::default()
        }
    }

    /// The credential for this sign-in method if the form does not choose one.
    pub fn default_credential(&self, method: &SignInMethod) -> CredentialKind {
        self.sign_in_credential.unwrap_or(match method {
            SignInMethod::OAuth(_) => CredentialKind::Session,
            SignInMethod::Password => CredentialKind::Jwt,
        })
    }

    /// The origin as browsers write it in `Origin`.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// The public URL of a path.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
}
