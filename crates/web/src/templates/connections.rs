//! The pages about connected services.

use askama::Template;
use latchkey_auth::connections::services::{Entry, When};
use latchkey_auth::oauth::Provider;
use latchkey_domain::Timestamp;
use latchkey_domain::connection::{Connection, Offer, State, Trouble};

use super::connected_apps::{Apps, ConnectedApps};
use crate::layout::Layout;

/// `GET /connections`
#[derive(Debug, Template)]
#[template(path = "connections.html")]
pub(crate) struct ConnectionsPage {
    pub(crate) layout: Layout,
    pub(crate) done: Option<String>,
    pub(crate) cards: Vec<ProviderCard>,
    /// Connections at providers that are not set up any more.
    pub(crate) gone: Vec<Connection>,
    pub(crate) other_apps: ConnectedApps,
}

/// One provider, and how it stands with it.
#[derive(Debug)]
pub(crate) struct ProviderCard {
    pub(crate) slug: String,
    pub(crate) label: String,
    pub(crate) local: bool,
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) connection: Option<Connection>,
    pub(crate) ending: Option<Ending>,
}

#[derive(Debug)]
pub(crate) struct ServiceRow {
    pub(crate) offer: &'static Offer,
    pub(crate) granted: bool,
    /// Asked for, and not granted.
    pub(crate) withheld: bool,
}

/// A connection that was ended, and is not over.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) since: Timestamp,
    pub(crate) tries: u32,
    pub(crate) next_try_at: Timestamp,
    pub(crate) trouble: Option<Trouble>,
}

impl ProviderCard {
    pub(crate) fn of(
        provider: &Provider,
        connection: Option<Connection>,
        ending: Option<Ending>,
    ) -> Self {
        let row = |offer: &'static Offer| {
            let among =
                |scopes: &latchkey_domain::connection::Granted| scopes.contains(offer.scope);
            let granted = connection.as_ref().is_some_and(|one| among(&one.granted));
            let asked = connection.as_ref().is_some_and(|one| among(&one.asked));
            ServiceRow { offer, granted, withheld: asked && !granted }
        };
        Self {
            slug: provider.slug.clone(),
            label: provider.label.clone(),
            local: provider.local,
            services: provider.family().offers().iter().map(row).collect(),
            connection,
            ending,
        }
    }

    fn lives(&self) -> bool {
        self.connection.as_ref().is_some_and(|one| one.state.is_living())
    }

    /// What can be ticked: what is not granted, or everything when it has to be
    /// connected again.
    fn open(&self) -> Vec<&ServiceRow> {
        let lives = self.lives();
        self.services.iter().filter(|one| !lives || !one.granted).collect()
    }
}

/// `GET /connections/{provider}/{service}`
#[derive(Debug, Template)]
#[template(path = "connections-service.html")]
pub(crate) struct ServicePage {
    pub(crate) layout: Layout,
    pub(crate) slug: String,
    pub(crate) label: String,
    pub(crate) local: bool,
    pub(crate) offer: &'static Offer,
    pub(crate) entries: Vec<Entry>,
    pub(crate) asked_at: Timestamp,
}
