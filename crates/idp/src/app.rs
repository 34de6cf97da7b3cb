//! The state that all handlers share.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::config::{Config, Error};
use crate::keys::KeyRing;
use crate::kit::{Clock, Timestamp};
use crate::people::People;
use crate::protocol::grants::Grants;
use crate::protocol::registry::{Apis, Clients};
use crate::protocol::scopes::Catalogue;
use crate::provider::Provider;

pub type Shared = Arc<App>;

pub struct App {
    pub origin: String,
    pub clients: Clients,
    pub apis: Apis,
    pub catalogue: Catalogue,
    pub people: People,
    pub keys: Arc<KeyRing>,
    grants: Mutex<Grants>,
    clock: Clock,
}

impl App {
    pub fn new(config: Config, clock: Clock) -> Result<Self, Error> {
        let origin = config.origin()?;
        let catalogue = Catalogue::new(&config.apis);
        let clients = Clients::new(config.clients)?;
        let apis = Apis::new(config.apis, &clients)?;
        let people = People::load(config.people_file)?;
        let (keys, grants) = (KeyRing::start(), Mutex::default());
        Ok(Self { origin, clients, apis, catalogue, people, keys, grants, clock })
    }

    /// Google's issuer identifier, OIDC Discovery §3.
    pub fn google_issuer(&self) -> String {
        self.url("/google")
    }

    /// The `iss` of authorization responses (RFC 9207), which only Google sends.
    pub fn response_iss(&self, provider: Provider) -> Option<String> {
        (provider == Provider::Google).then(|| self.google_issuer())
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Held for a few map operations, never across an await.
    pub fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock()
    }
}
