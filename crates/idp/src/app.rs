//! What every handler shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    Clock, Config, Error, Provider,
    clock::Timestamp,
    keys::KeyRing,
    people::People,
    protocol::{clients::Clients, grants::Grants, scopes::Catalogue},
};

/// The handle that axum hands to every handler.
pub(crate) type Shared = Arc<App>;

/// The running provider.
pub(crate) struct App {
    origin: String,
    clients: Clients,
    catalogue: Catalogue,
    pub(crate) people: People,
    pub(crate) keys: Arc<KeyRing>,
    grants: Mutex<Grants>,
    clock: Clock,
}

impl App {
    pub(crate) fn new(config: Config, clock: Clock) -> Result<Self, Error> {
        Ok(Self {
            origin: config.origin()?,
            clients: Clients::new(config.clients)?,
            catalogue: Catalogue::new(&config.apis),
            people: People::load(config.people_file)?,
            keys: KeyRing::start(),
            grants: Mutex::default(),
            clock,
        })
    }

    /// Scheme, host and port; no slash at the end.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Google's issuer identifier, OIDC Discovery §3.
    pub(crate) fn google_issuer(&self) -> String {
        self.url("/google")
    }

    /// What RFC 9207 sends as `iss`. GitHub and Facebook send nothing, so apps must do without.
    pub(crate) fn response_iss(&self, provider: Provider) -> Option<String> {
        match provider {
            Provider::Google => Some(self.google_issuer()),
            Provider::Github | Provider::Facebook => None,
        }
    }

    /// A path on this provider, as an absolute URL.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Held for a few map operations, never across an await.
    pub(crate) fn grants(&self) -> MutexGuard<'_, Grants> {
        // A panic elsewhere leaves the maps whole: each transition writes last.
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
