//! The page with everything that is connected, and the pages with what it holds.

use askama::Template;
use axum::extract::{Path, Query, State};
use latchkey_auth::connections::Error;
use latchkey_auth::connections::services::{Entry, When};
use latchkey_auth::oauth::Provider;
use latchkey_domain::Timestamp;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::connection::{Connection, Granted, Offer, State as Condition, Trouble};
use serde::Deserialize;

use super::words::{self, back, provider};
use crate::app::{App, Application};
use crate::audit;
use crate::caller::PageCaller;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::layout::Layout;
use crate::page::Page;
use crate::pages::connected_apps::{self, Apps, ConnectedApps};

#[derive(Debug, Template)]
#[template(path = "connections.html")]
pub(crate) struct ConnectionsPage {
    layout: Layout,
    done: Option<String>,
    cards: Vec<ProviderCard>,
    gone: Vec<Connection>,
    other_apps: ConnectedApps,
}

/// One provider, and how it stands with it.
#[derive(Debug)]
pub(crate) struct ProviderCard {
    slug: String,
    label: String,
    local: bool,
    services: Vec<ServiceRow>,
    connection: Option<Connection>,
    ending: Option<Ending>,
}

#[derive(Debug)]
pub(crate) struct ServiceRow {
    offer: &'static Offer,
    granted: bool,
    withheld: bool,
}

/// A connection that was ended, and is not over.
#[derive(Debug)]
pub(crate) struct Ending {
    since: Timestamp,
    tries: u32,
    next_try_at: Timestamp,
    trouble: Option<Trouble>,
}

impl ProviderCard {
    pub(crate) fn of(
        provider: &Provider,
        connection: Option<Connection>,
        ending: Option<Ending>,
    ) -> Self {
        let row = |offer: &'static Offer| {
            let among = |scopes: &Granted| scopes.contains(offer.scope);
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

#[derive(Debug, Template)]
#[template(path = "connections-service.html")]
pub(crate) struct ServicePage {
    layout: Layout,
    slug: String,
    label: String,
    local: bool,
    offer: &'static Offer,
    entries: Vec<Entry>,
    asked_at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DoneQuery {
    done: Option<String>,
    at: Option<String>,
}

/// `GET /connections`. Of what is connected it asks no provider: that is known
/// here. Which apps were let in only their authorization server knows.
pub(crate) async fn index(
    State(app): State<App>,
    caller: PageCaller,
    Query(query): Query<DoneQuery>,
) -> HandlerResult<Page<ConnectionsPage>> {
    let all = app.connections.of_user(&app.providers, caller.user.id).await;
    let all = all.map_err(|error| words::store(&error))?;
    let at = query.at.as_deref().and_then(|slug| match app.provider(slug) {
        Some(provider) => Some(provider.label.as_str()),
        None => all.iter().map(|one| one.provider.as_str()).find(|provider| *provider == slug),
    });
    let done = match (at, query.done.as_deref()) {
        (Some(label), Some(done)) => words::sentence(done, label),
        (None, Some("ended")) => Some(connected_apps::ENDED.to_owned()),
        _ => None,
    };
    Ok(Page(ConnectionsPage {
        done,
        cards: app.providers.iter().map(|provider| card(provider, &all)).collect(),
        // One that was taken out of the settings is not forgotten.
        gone: all.iter().filter(|one| app.provider(&one.provider).is_none()).cloned().collect(),
        other_apps: connected_apps::listed(&app, &caller.user).await?,
        layout: Layout::new(&app, Some(&caller)).at("/connections"),
    }))
}

fn card(provider: &Provider, all: &[Connection]) -> ProviderCard {
    let here = || all.iter().filter(|one| one.provider == provider.slug);
    let is_ending = |one: &&Connection| matches!(one.state, Condition::Disconnecting { .. });
    let connection = here().find(|one| !is_ending(one)).cloned();
    let ending = here().find(is_ending).and_then(|one| match one.state {
        Condition::Disconnecting { since, tries, next_try_at } => {
            Some(Ending { since, tries, next_try_at, trouble: one.trouble })
        }
        _ => None,
    });
    ProviderCard::of(provider, connection, ending)
}

/// `GET /connections/{provider}/{service}`: what it holds, asked for now.
pub(crate) async fn service(
    State(app): State<App>,
    Path((slug, service)): Path<(String, String)>,
    caller: PageCaller,
) -> HandlerResult<Page<ServicePage>> {
    let at = provider(&app, &slug)?;
    let offer = at.family().offer(&service).ok_or_else(|| {
        AppError::new(catalogue::NOT_FOUND)
            .detail("This service is not available.")
            .action(back(&slug))
    })?;
    caller.require_active(&app).await?;
    let user = caller.user.id;
    app.limits.check_call(user)?;
    let (task, name) = (app.clone(), slug.clone());
    let work = async move {
        let provider = provider(&task, &name)?;
        let listed = task.connections.list(provider, user, offer).await;
        note(&task, provider, user, &listed).await;
        listed.map_err(|error| words::app_error(&error, provider))
    };
    let entries = app.run_to_end(work).await?;
    Ok(Page(ServicePage {
        layout: Layout::new(&app, Some(&caller)),
        label: at.label.clone(),
        slug,
        local: at.local,
        offer,
        entries,
        asked_at: app.clock.now(),
    }))
}

/// A grant that has ended is news once.
async fn note<T>(
    app: &Application,
    provider: &Provider,
    user: latchkey_domain::UserId,
    listed: &Result<T, Error>,
) {
    if let Err(Error::Reconnect { because, news: true }) = listed {
        let detail = format!("{}: {}", provider.slug, because.stored());
        audit::record(app, Kind::ReconnectNeeded, Some(user), Actor::Nobody, detail, None).await;
    }
}
