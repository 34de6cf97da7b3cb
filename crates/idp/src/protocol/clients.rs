//! The registered applications.

use std::{collections::HashMap, sync::Arc};

use url::Url;

use crate::{Client, Error, Provider, digest::secrets_match};

/// Every registered client, by provider and `client_id`.
#[derive(Debug)]
pub(crate) struct Clients(HashMap<(Provider, String), Arc<Client>>);

impl Clients {
    /// Checks the registrations, so that a wrong one is found at start and not at the first sign-in.
    pub(crate) fn new(clients: Vec<Client>) -> Result<Self, Error> {
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

    pub(crate) fn find(&self, provider: Provider, id: &str) -> Option<&Arc<Client>> {
        self.0.get(&(provider, id.to_owned()))
    }

    /// The client whose id and secret these are, RFC 6749 §3.2.1.
    pub(crate) fn authenticate(
        &self,
        provider: Provider,
        id: &str,
        secret: &str,
    ) -> Option<&Arc<Client>> {
        self.find(provider, id).filter(|client| secrets_match(&client.secret, secret))
    }

    /// Where the browser may be sent after the consent form, for `form-action`: sorted, each once.
    pub(crate) fn redirect_origins(&self) -> Vec<String> {
        let mut origins: Vec<String> = self
            .0
            .values()
            .flat_map(|client| &client.redirect_uris)
            .filter_map(|uri| redirect_uri(uri))
            .map(|url| url.origin().ascii_serialization())
            .collect();
        origins.sort();
        origins.dedup();
        origins
    }
}

impl Client {
    /// The registered redirect URI that is, byte for byte, this one (RFC 9700 §4.1.3).
    pub(crate) fn registered_redirect_uri(&self, asked: &str) -> Option<&str> {
        let mut registered = self.redirect_uris.iter();
        registered.find(|uri| *uri == asked).map(String::as_str)
    }
}

/// RFC 6749 §3.1.2: absolute, no fragment; here also http or https with a host.
fn redirect_uri(uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok()?;
    let good = matches!(url.scheme(), "http" | "https") && url.fragment().is_none();
    good.then_some(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn client(redirect_uri: &str) -> Client {
        Client {
            provider: Provider::Google,
            id: "app".into(),
            secret: "secret".into(),
            redirect_uris: vec![redirect_uri.into()],
            name: "App".into(),
        }
    }

    #[test]
    fn wrong_registrations_are_refused_at_start() {
        for uri in ["/callback", "http://a/cb#f", "javascript:alert(1)", "", "a"] {
            assert!(matches!(Clients::new(vec![client(uri)]), Err(Error::RedirectUri(_))), "{uri}");
        }
        let good = client("http://localhost:3000/cb?x=1");
        assert!(Clients::new(vec![good.clone()]).is_ok());
        assert!(matches!(
            Clients::new(vec![good.clone(), good.clone()]),
            Err(Error::DuplicateClient { .. })
        ));
        for (id, secret) in [("", "secret"), ("app", "")] {
            let empty = Client { id: id.into(), secret: secret.into(), ..good.clone() };
            assert!(matches!(
                Clients::new(vec![empty]),
                Err(Error::EmptyCredentials(Provider::Google))
            ));
        }
    }

    #[test]
    fn a_client_is_known_by_provider_id_and_secret() {
        let clients = Clients::new(vec![client("http://localhost:3000/cb")]).unwrap();
        for (provider, id, secret, known) in [
            (Provider::Google, "app", "secret", true),
            (Provider::Google, "app", "Secret", false),
            (Provider::Google, "app", "", false),
            (Provider::Google, "App", "secret", false),
            (Provider::Github, "app", "secret", false),
        ] {
            let found = clients.authenticate(provider, id, secret);
            assert_eq!(found.is_some(), known, "{provider} {id} {secret}");
        }
    }

    #[test]
    fn a_redirect_uri_is_compared_byte_for_byte() {
        let client = client("http://localhost:3000/cb");
        for (asked, same) in [
            ("http://localhost:3000/cb", true),
            ("http://localhost:3000/cb/", false),
            ("http://localhost:3000/CB", false),
            ("http://localhost:3000/c", false),
            ("http://localhost:3000", false),
            ("http://localhost:3000/cb?x", false),
            ("http://LOCALHOST:3000/cb", false),
            ("http://localhost:3001/cb", false),
            ("http://localhost:3000/./cb", false),
        ] {
            let registered = client.registered_redirect_uri(asked);
            assert_eq!(registered.is_some(), same, "{asked}");
        }
    }
}
