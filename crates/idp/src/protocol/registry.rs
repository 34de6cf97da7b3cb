//! The registered applications and APIs, validated at start.

use std::collections::HashMap;
use std::sync::Arc;

use url::Url;

use super::scopes::Audience;
use crate::config::{Api, Client, Error};
use crate::kit::secrets_match;
use crate::provider::Provider;

#[derive(Debug)]
pub struct Clients(HashMap<(Provider, String), Arc<Client>>);

impl Clients {
    pub fn new(clients: Vec<Client>) -> Result<Self, Error> {
        let mut registered = HashMap::new();
        for client in clients {
            let (provider, id) = (client.provider, client.id.clone());
            if id.is_empty() || client.secret.is_empty() {
                return Err(Error::EmptyCredentials(provider));
            }
            for uri in &client.redirect_uris {
                redirect_uri(uri).ok_or_else(|| Error::RedirectUri(uri.clone()))?;
            }
            if registered.insert((provider, id.clone()), Arc::new(client)).is_some() {
                return Err(Error::DuplicateClient { provider, id });
            }
        }
        Ok(Self(registered))
    }

    pub fn find(&self, provider: Provider, id: &str) -> Option<&Arc<Client>> {
        self.0.get(&(provider, id.to_owned()))
    }

    /// RFC 6749 §3.2.1.
    pub fn authenticate(&self, provider: Provider, id: &str, secret: &str) -> Option<&Arc<Client>> {
        self.find(provider, id).filter(|client| secrets_match(&client.secret, secret))
    }

    /// The origins of all redirect URIs, for `form-action`; sorted, without duplicates.
    pub fn redirect_origins(&self) -> Vec<String> {
        let uris = self.0.values().flat_map(|client| &client.redirect_uris);
        let urls = uris.filter_map(|uri| redirect_uri(uri));
        let mut origins: Vec<String> = urls.map(|url| url.origin().ascii_serialization()).collect();
        origins.sort();
        origins.dedup();
        origins
    }

    /// Clients with a page of their own.
    pub fn third_parties(&self) -> Vec<&Client> {
        let clients = self.0.values().map(AsRef::as_ref);
        let mut found: Vec<&Client> = clients.filter(|client| client.uri.is_some()).collect();
        found.sort_by_key(|client| &client.id);
        found
    }
}

/// The registered redirect URI that matches byte for byte (RFC 9700 §4.1.3).
pub fn registered_redirect_uri<'a>(client: &'a Client, requested: &str) -> Option<&'a str> {
    client.redirect_uris.iter().find(|uri| *uri == requested).map(String::as_str)
}

/// RFC 6749 §3.1.2: absolute, without a fragment; here also http or https.
fn redirect_uri(uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok()?;
    let is_valid = matches!(url.scheme(), "http" | "https") && url.fragment().is_none();
    is_valid.then_some(url)
}

/// Resource servers, which may introspect tokens (RFC 7662).
#[derive(Debug)]
pub struct Apis(Vec<Api>);

impl Apis {
    pub fn new(apis: Vec<Api>, clients: &Clients) -> Result<Self, Error> {
        let mut registered: Vec<Api> = Vec::new();
        for api in apis {
            if api.id.is_empty() || api.secret.is_empty() {
                return Err(Error::EmptyCredentials(Provider::Google));
            }
            // RFC 8707 §2: an absolute URI without a fragment.
            if !Url::parse(&api.audience).is_ok_and(|uri| uri.fragment().is_none()) {
                return Err(Error::Audience(api.audience));
            }
            // An id identifies the caller of the introspection endpoint, so it must be unique.
            let is_duplicate = |other: &Api| other.id == api.id || other.audience == api.audience;
            if clients.find(Provider::Google, &api.id).is_some()
                || registered.iter().any(is_duplicate)
            {
                return Err(Error::DuplicateClient { provider: Provider::Google, id: api.id });
            }
            registered.push(api);
        }
        Ok(Self(registered))
    }

    pub fn authenticate(&self, id: &str, secret: &str) -> Option<&Api> {
        self.0.iter().find(|api| api.id == id).filter(|api| secrets_match(&api.secret, secret))
    }

    pub fn find(&self, audience: &Audience) -> Option<&Api> {
        match audience {
            Audience::Provider => None,
            Audience::Api(uri) => self.0.iter().find(|api| *api.audience == **uri),
        }
    }

    pub fn audiences(&self) -> Vec<&str> {
        self.0.iter().map(|api| api.audience.as_str()).collect()
    }
}
