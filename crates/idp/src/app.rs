//! What every handler shares.

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

use crate::{
    Clock, Config, Error, Provider,
    clock::Timestamp,
    keeper,
    keys::KeyRing,
    people::People,
    printer::Printer,
    protocol::{
        apis::Apis,
        clients::Clients,
        grants::{Grants, Register},
        scopes::Catalogue,
    },
};

/// The handle that axum hands to every handler.
pub(crate) type Shared = Arc<App>;

pub(crate) struct App {
    origin: String,
    clients: Clients,
    apis: Apis,
    catalogue: Catalogue,
    pub(crate) people: People,
    pub(crate) keys: Arc<KeyRing>,
    grants: Arc<Mutex<Grants>>,
    printer: Option<Printer>,
    clock: Clock,
}

impl App {
    pub(crate) fn new(config: Config, clock: Clock) -> Result<Self, Error> {
        let origin = config.origin()?;
        let catalogue = Catalogue::new(&config.apis);
        // A third party, where there is an API to show it with.
        let printer = match config.apis.first() {
            Some(_) => Some(Printer::registration(&origin).map_err(|_| Error::Printer)?),
            None => None,
        };
        let clients = Clients::new(config.clients.into_iter().chain(printer.clone()).collect())?;
        let apis = Apis::new(config.apis, &clients)?;
        let printer = match (apis.iter().next(), printer) {
            (Some(api), Some(client)) => {
                Some(Printer::new(Arc::clone(api), client).ok_or(Error::Printer)?)
            }
            _ => None,
        };
        let people = People::load(config.people_file)?;
        let mut grants = Grants::default();
        if let Some(path) = &config.grants_file {
            let register = Register { clients: &clients, people: &people, catalogue: &catalogue };
            grants.restore(clock.now(), keeper::read(path)?, &register);
        }
        let grants = Arc::new(Mutex::new(grants));
        if let Some(path) = config.grants_file {
            keeper::start(path, &grants, clock.clone());
        }
        Ok(Self {
            origin,
            apis,
            printer,
            clients,
            catalogue,
            people,
            keys: KeyRing::start(),
            grants,
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

    pub(crate) fn apis(&self) -> &Apis {
        &self.apis
    }

    /// The third-party application, if there is one.
    pub(crate) fn printer(&self) -> Option<&Printer> {
        self.printer.as_ref()
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Held for a few map operations, never across an await.
    pub(crate) fn grants(&self) -> MutexGuard<'_, Grants> {
        // A panic elsewhere leaves the maps whole: each transition writes last.
        self.grants.lock()
    }
}
