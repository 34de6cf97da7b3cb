//! What sign-in has to know of the application that it is mounted in.

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

/// What the application calls itself: on pages, in e-mails, to providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub name: String,
    /// What the names of its cookies begin with.
    pub cookie_prefix: String,
}

impl Product {
    /// What the browsers are, or the programs, that act for a person here, or we at others.
    pub fn client_id(&self, of: &str) -> String {
        format!("{}-{of}", self.cookie_prefix)
    }

    /// With cookies of the same name, as far as cookies can have it.
    pub fn named(name: &str) -> Self {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        let prefix = if words.is_empty() { "app".to_owned() } else { words.join("_") };
        Self { name: name.to_owned(), cookie_prefix: prefix.to_lowercase() }
    }
}

/// What sign-in needs of the settings.
#[derive(Clone, Debug)]
pub struct Config {
    pub product: Product,
    /// The only origin that the app trusts.
    pub public_url: Url,
    /// Where HOST and PORT say that to listen.
    pub listen: Vec<SocketAddr>,
    pub app_secret: AppSecret,
    pub session: Lifetime,
    /// Whether a session that was read within the last second is not read again.
    pub session_cache: bool,
    pub jwt: JwtSettings,
    /// What browsers carry when a form does not say it.
    pub sign_in_credential: Option<CredentialKind>,
    /// Whether a new account begins with a few contacts and events, to be looked at.
    pub sample_data: bool,
    /// Where the local provider runs that plays others in development.
    pub local_idp: Option<LocalIdp>,
    /// Where the API says who issues tokens for it (RFC 9728), if it does.
    pub resource_metadata: Option<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// Whether browsers are told to use https for every subdomain, too.
    pub hsts_subdomains: bool,
    /// What providers are called through.
    pub outbound_proxy: Option<Proxy>,
}

/// The provider that stands in for others in development.
#[derive(Clone, Debug)]
pub struct LocalIdp {
    /// Whom it knows us as.
    pub product: Product,
    pub port: u16,
    /// Another site than `localhost`, so that cookies behave as between two real sites.
    pub url: Url,
    pub people_file: PathBuf,
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
    /// Whether this is somebody's own machine: http on a loopback name. There is no
    /// other switch.
    pub fn is_development(&self) -> bool {
        self.public_url.scheme() == "http" && is_loopback(&self.public_url)
    }

    /// What a new account begins with.
    pub fn samples(&self, user: UserId, now: Timestamp) -> SampleData {
        if self.sample_data {
            SampleData::new(user, now, random::bytes)
        } else {
            SampleData::default()
        }
    }

    /// What browsers carry that signed in this way, when the form does not say it.
    pub fn credential_for(&self, method: &SignInMethod) -> CredentialKind {
        self.sign_in_credential.unwrap_or(match method {
            SignInMethod::OAuth(_) => CredentialKind::Session,
            SignInMethod::Password => CredentialKind::Jwt,
        })
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
