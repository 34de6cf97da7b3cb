//! The configuration of the provider.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::provider::Provider;

#[derive(Clone, Debug)]
pub struct Config {
    /// The origin of the provider, on a loopback name: `http://127.0.0.1:3001`.
    pub base_url: Url,
    /// All registered applications, including third parties. There is no dynamic registration.
    pub clients: Vec<Client>,
    /// Other APIs for which the local Google issues tokens, RFC 8707.
    pub apis: Vec<Api>,
    /// JSON file for people created on the consent page; `None` keeps them in memory.
    pub people_file: Option<PathBuf>,
    /// JSON file for grants, with token digests only; `None` keeps them in memory.
    pub grants_file: Option<PathBuf>,
}

/// A resource server for which the local Google issues access tokens.
#[derive(Clone)]
pub struct Api {
    /// Shown on the consent page: "See your calendar at …".
    pub name: String,
    /// Its URI in `resource` (RFC 8707 §2) and in the `aud` of its tokens.
    pub audience: String,
    /// Scope values, each with its description on the consent page, without a full stop.
    pub scopes: Vec<(String, String)>,
    /// Its credentials at the introspection endpoint, RFC 7662 §2.1.
    pub id: String,
    pub secret: String,
}

/// An application registered at one of the three providers, RFC 6749 §2.
#[derive(Clone)]
pub struct Client {
    pub provider: Provider,
    pub id: String,
    pub secret: String,
    /// Compared byte for byte, RFC 3986 §6.2.1 and RFC 9700 §4.1.3.
    pub redirect_uris: Vec<String>,
    /// Shown on the consent page: "… wants to know who you are".
    pub name: String,
    /// `client_uri`, RFC 7591 §2. The start page links to it.
    pub uri: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, id, redirect_uris, name, .. } = self;
        write!(f, "Client({provider} {id:?} {name:?} {redirect_uris:?})")
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, audience, scopes, id, .. } = self;
        write!(f, "Api({id:?} {name:?} {audience:?} {scopes:?})")
    }
}

/// Why the local provider cannot start. No variant contains a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Anyone can sign in here, so it must not be reachable from other machines.
    #[error("{0} is not an http(s) origin on a loopback name (like http://127.0.0.1:3001)")]
    BaseUrl(Url),
    #[error("a client of the local {0} has an empty id or an empty secret")]
    EmptyCredentials(Provider),
    #[error("the client {id:?} is registered twice at the local {provider}")]
    DuplicateClient { provider: Provider, id: String },
    /// RFC 6749 §3.1.2: an absolute URI without a fragment.
    #[error("{0:?} is not a redirect URI: use an absolute http(s) URL without a fragment")]
    RedirectUri(String),
    /// RFC 8707 §2: an absolute URI without a fragment.
    #[error("{0:?} is not the URI of an API: use an absolute URI without a fragment")]
    Audience(String),
    #[error("cannot read the people file {path}: {source}")]
    PeopleFile { path: PathBuf, source: std::io::Error },
    #[error("cannot read the grants file {path}: {source}")]
    GrantsFile { path: PathBuf, source: std::io::Error },
}

impl Config {
    /// The origin, without a trailing slash.
    pub(crate) fn origin(&self) -> Result<String, Error> {
        let url = &self.base_url;
        let plain = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let http = matches!(url.scheme(), "http" | "https");
        let loopback = url.host_str().is_some_and(is_loopback);
        if plain && http && loopback {
            Ok(url.origin().ascii_serialization())
        } else {
            Err(Error::BaseUrl(url.clone()))
        }
    }
}

/// Takes a host name or an address, without a port.
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
