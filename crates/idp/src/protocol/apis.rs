//! The registered APIs: resource servers that ask about tokens, RFC 7662.

use std::sync::Arc;

use url::Url;

use super::{clients::Clients, scopes::Audience};
use crate::{Api, Error, Provider, digest::secrets_match};

#[derive(Debug)]
pub(crate) struct Apis(Vec<Arc<Api>>);

impl Apis {
    /// Checks the registrations, so that a wrong one is found at start.
    pub(crate) fn new(apis: Vec<Api>, clients: &Clients) -> Result<Self, Error> {
        let mut registered: Vec<Arc<Api>> = Vec::new();
        for api in apis {
            if api.id.is_empty() || api.secret.is_empty() {
                return Err(Error::EmptyCredentials(Provider::Google));
            }
            // RFC 8707 §2: an absolute URI without a fragment.
            if !Url::parse(&api.audience).is_ok_and(|uri| uri.fragment().is_none()) {
                return Err(Error::Audience(api.audience));
            }
            // An id is who somebody is at the introspection endpoint: nobody else's.
            let taken = clients.find(Provider::Google, &api.id).is_some()
                || registered
                    .iter()
                    .any(|other| other.id == api.id || other.audience == api.audience);
            if taken {
                return Err(Error::DuplicateClient { provider: Provider::Google, id: api.id });
            }
            registered.push(Arc::new(api));
        }
        Ok(Self(registered))
    }

    /// The API whose id and secret these are.
    pub(crate) fn authenticate(&self, id: &str, secret: &str) -> Option<&Arc<Api>> {
        let mut apis = self.0.iter();
        apis.find(|api| api.id == id).filter(|api| secrets_match(&api.secret, secret))
    }

    pub(crate) fn named(&self, audience: &Audience) -> Option<&Arc<Api>> {
        match audience {
            Audience::Provider => None,
            Audience::Api(uri) => self.0.iter().find(|api| *api.audience == **uri),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Api>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Client;

    fn api() -> Api {
        Api {
            name: "Latchkey".into(),
            audience: "http://localhost:3000/api".into(),
            scopes: vec![],
            id: "api".into(),
            secret: "secret".into(),
            metadata_url: "http://localhost:3000/".parse().unwrap(),
        }
    }

    fn clients(id: &str) -> Clients {
        Clients::new(vec![Client {
            provider: Provider::Google,
            id: id.into(),
            secret: "secret".into(),
            redirect_uris: vec![],
            name: "App".into(),
        }])
        .unwrap()
    }

    #[test]
    fn wrong_registrations_are_refused_at_start() {
        let refused = |apis: Vec<Api>| Apis::new(apis, &clients("app")).is_err();
        assert!(!refused(vec![api()]));
        assert!(!refused(vec![api(), Api { id: "b".into(), audience: "urn:b".into(), ..api() }]));
        for wrong in [
            Api { id: String::new(), ..api() },
            Api { secret: String::new(), ..api() },
            Api { audience: "/api".into(), ..api() },
            Api { audience: "http://localhost:3000/api#x".into(), ..api() },
            Api { id: "app".into(), ..api() },
        ] {
            assert!(refused(vec![wrong.clone()]), "{wrong:?}");
        }
        assert!(refused(vec![api(), Api { id: "b".into(), ..api() }]));
        assert!(refused(vec![api(), Api { audience: "urn:b".into(), ..api() }]));
    }

    #[test]
    fn an_api_is_known_by_id_and_secret() {
        let apis = Apis::new(vec![api()], &clients("app")).unwrap();
        for (id, secret, known) in [
            ("api", "secret", true),
            ("api", "Secret", false),
            ("api", "", false),
            ("app", "secret", false),
        ] {
            assert_eq!(apis.authenticate(id, secret).is_some(), known, "{id} {secret}");
        }
    }
}
