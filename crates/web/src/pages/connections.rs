//! Services at providers that a person lets Latchkey use for them: connect, use,
//! disconnect. Apps that may use Latchkey for them are on the same page.

use std::collections::HashMap;

use latchkey_auth::connections::Error;
use latchkey_auth::connections::disconnect::{Outcome, Revocation};
use latchkey_auth::connections::services::{Entry, When};
use latchkey_auth::introspection::Introspection;
use latchkey_auth::oauth::flow::Authenticated;
use latchkey_auth::oauth::{self, flow};
use latchkey_auth::oauth::{Attempt, Provider, Purpose};
use latchkey_axum::ConnectCallback;
use latchkey_axum::routes::oauth::redirect_to_provider;
use latchkey_domain::connection::{Connection, Failure, Offer, State as Condition, decision};
use latchkey_domain::{ReturnTo, Span, Timestamp, UserId};
use latchkey_store::connections::current;

use super::connected_apps::{self, Apps, ConnectedApps};
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "connections.html")]
pub(crate) struct ConnectionsPage {
    layout: Layout,
    /// What was done, and at whom.
    done: Option<(String, String)>,
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
    /// The one that was ended, and is not over.
    ending: Option<Connection>,
}

#[derive(Debug)]
pub(crate) struct ServiceRow {
    offer: &'static Offer,
    granted: bool,
    withheld: bool,
}

impl ProviderCard {
    fn of(provider: &Provider, all: &[Connection]) -> Self {
        let find = |ending| {
            all.iter().find(|one| one.provider == provider.slug && one.is_ending() == ending)
        };
        let connection = find(false);
        let row = |offer: &'static Offer| {
            let granted = connection.is_some_and(|one| one.granted.contains(offer.scope));
            let asked = connection.is_some_and(|one| one.requested.contains(offer.scope));
            ServiceRow { offer, granted, withheld: asked && !granted }
        };
        Self {
            slug: provider.slug.clone(),
            label: provider.label.clone(),
            local: provider.local,
            services: provider.family().offers().iter().map(row).collect(),
            connection: connection.cloned(),
            ending: find(true).cloned(),
        }
    }

    fn lives(&self) -> bool {
        self.connection.as_ref().is_some_and(|one| one.state.is_active())
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
    caller: Caller,
    Query(query): Query<DoneQuery>,
) -> HandlerResult<Page<ConnectionsPage>> {
    let issuer = app.introspection.as_ref().and_then(Introspection::issuer);
    let all = app.connections.of_user(&app.providers, caller.user.id, issuer).await;
    let (all, subjects) = all.map_err(|error| store_error(&error))?;
    let at = query.at.as_deref().and_then(|slug| match app.provider(slug) {
        Some(provider) => Some(provider.label.as_str()),
        None => all.iter().map(|one| one.provider.as_str()).find(|provider| *provider == slug),
    });
    let done = match (query.done, at) {
        (Some(done), Some(label)) => Some((done, label.to_owned())),
        (Some(done), None) if done == "ended" => Some((done, String::new())),
        _ => None,
    };
    Ok(Page(ConnectionsPage {
        done,
        cards: app.providers.iter().map(|provider| ProviderCard::of(provider, &all)).collect(),
        // One that was taken out of the settings is not forgotten.
        gone: all.iter().filter(|one| app.provider(&one.provider).is_none()).cloned().collect(),
        other_apps: connected_apps::listed(&app, caller.user.id, subjects).await,
        layout: Layout::new(&app, Some(&caller)).at("/connections"),
    }))
}

/// `GET /connections/{provider}/{service}`: what it holds, asked for now.
pub(crate) async fn service(
    State(app): State<App>,
    Path((slug, service)): Path<(String, String)>,
    caller: Caller,
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
        // A grant that has ended is news once.
        if let Err(Error::Reconnect { reason, newly_broken: true }) = &listed {
            let (kind, detail) = (Kind::ReconnectNeeded, format!("{name}: {}", reason.as_str()));
            audit::record(&task, kind, Some(user), Actor::Unknown, detail, None).await;
        }
        listed.map_err(|error| app_error(&error, provider))
    };
    let entries = app.run_to_completion(work).await?;
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

/// `POST /connections/{provider}`: sets out to connect what was ticked.
pub(crate) async fn connect(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Option<Caller>,
    headers: HeaderMap,
    StrictForm(ticked): StrictForm<HashMap<String, String>>,
) -> HandlerResult<Response> {
    let caller = caller.ok_or_else(|| {
        let sign_in = Action::link("Sign in", "/sign-in?next=%2Fconnections");
        AppError::new(catalogue::SIGN_IN_REQUIRED).action(sign_in)
    })?;
    caller.require_active(&app).await?;
    let provider = provider(&app, &slug)?;
    let user = caller.user.id;
    app.limits.check_call(user)?;
    let offers = provider.family().offers().iter();
    let chosen: Vec<_> = offers.filter(|offer| ticked.contains_key(offer.service.slug())).collect();
    if chosen.is_empty() {
        return Err(AppError::new(catalogue::NOTHING_CHOSEN).at(provider).action(back(&slug)));
    }
    // What was ended has to be over first: some providers end every grant of a
    // person at once, the new one too.
    let ending = app.connections.is_revocation_pending(provider, user).await;
    if ending.map_err(|error| app_error(&error, provider))?
        && end(&app, &slug, user).await? == Outcome::Later
    {
        return Err(AppError::new(catalogue::STILL_DISCONNECTING).at(provider).action(back(&slug)));
    }
    let before = current(&app.db, user, &slug).await?.map(|stored| stored.connection);
    let living = before.filter(|one| one.state.is_active()).map(|one| one.granted);
    let scopes = decision::scopes_to_request(provider.family(), living.as_ref(), &chosen);
    let return_to = ReturnTo::parse(Some(&done("connected", &slug)), &app.settings.public_url);
    let purpose = Purpose::connect(user, &scopes);
    redirect_to_provider(&app, &slug, purpose, return_to, &headers)
        .await
        .map_err(|error| error.instead(vec![back(&slug)]))
}

/// Somebody comes back with a grant, or without one. Nobody is signed in by it,
/// and only whoever set out may bring it. Says where they go next.
pub(crate) async fn complete(
    app: &App,
    provider: &Provider,
    callback: ConnectCallback,
    context: &SignInContext,
) -> HandlerResult<String> {
    let user = callback.user;
    // Somebody else is signed in here by now, or nobody.
    let Some(caller) = context.current.as_ref().filter(|caller| caller.user.id == user) else {
        return Err(AppError::new(catalogue::CONNECTION_LOST).action(back(&provider.slug)));
    };
    caller.require_active(app).await?;
    // Goes on whether or not somebody still waits: what the provider hands out is
    // kept, or ended again.
    let (task, slug) = (app.clone(), provider.slug.clone());
    let work = async move { exchange(&task, &slug, callback).await };
    let kept = app.run_to_completion(work).await?;
    if !kept {
        return Ok(done("declined", &provider.slug));
    }
    audit::by_person(app, Kind::Connected, user, &*provider.slug, &context.client).await;
    Ok(done("connected", &provider.slug))
}

/// Redeems the code and keeps what it yields. Says whether the person said yes.
async fn exchange(app: &App, slug: &str, callback: ConnectCallback) -> HandlerResult<bool> {
    let ConnectCallback { user, asked, attempt, response } = callback;
    let provider = provider(app, slug)?;
    let failed = |error: Error| app_error(&error, provider);
    // Something may have been ended since they set out: its end would be the
    // end of this, too.
    if app.connections.is_revocation_pending(provider, user).await.map_err(failed)? {
        return Err(AppError::new(catalogue::STILL_DISCONNECTING).at(provider).action(back(slug)));
    }
    let is_first = current(&app.db, user, slug).await?.is_none();
    let now = app.clock.now();
    let redeemed = match flow::exchange_code(&app.http, provider, &attempt, response, now).await {
        Ok(redeemed) => redeemed,
        Err(oauth::Error::Declined) => return Ok(false),
        Err(error) => return Err(connect_error(&error, provider, &attempt)),
    };
    let kept = match flow::fetch_profile(&app.http, provider, &attempt, &redeemed, now).await {
        Ok(Authenticated { profile, .. }) => {
            let kept = app.connections.save(provider, user, asked, &profile, &redeemed.tokens);
            kept.await.map_err(failed).and_then(|kept| match kept {
                true => Ok(true),
                // The account was deleted meanwhile.
                false => Err(AppError::new(catalogue::CONNECTION_LOST)),
            })
        }
        Err(error) => Err(connect_error(&error, provider, &attempt)),
    };
    // At some providers it would be the end of every grant of this person.
    if kept.is_err() && is_first {
        app.connections.revoke_unsaved(provider, &redeemed.tokens).await;
    }
    kept
}

/// Why nothing was connected, in the catalogue's words.
fn connect_error(error: &oauth::Error, provider: &Provider, attempt: &Attempt) -> AppError {
    AppError::from_oauth(error, provider, attempt).instead(vec![back(&provider.slug)])
}

/// `POST /connections/{provider}/disconnect`
pub(crate) async fn disconnect(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    caller.require_active(&app).await?;
    let user = caller.user.id;
    app.limits.check_call(user)?;
    let (task, name) = (app.clone(), slug.clone());
    // One whose provider has left the settings can be ended, too.
    let work = async move {
        let outcome = task.connections.disconnect(&name, task.provider(&name), user).await;
        outcome.map_err(|error| store_error(&error))
    };
    let Some(outcome) = app.run_to_completion(work).await? else {
        let provider = provider(&app, &slug)?;
        return Err(AppError::new(catalogue::NOT_CONNECTED).at(provider).action(back(&slug)));
    };
    audit::by_person(&app, Kind::Disconnected, user, &*slug, &client).await;
    Ok(Redirect::to(&done(word(outcome), &slug)))
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done(Revocation::Revoked) => "disconnected",
        Outcome::Done(Revocation::Unsupported) => "forgotten",
        Outcome::Done(Revocation::Unreadable) => "unreadable",
        Outcome::Later => "disconnecting",
    }
}

/// Ends what was ended before and is not over.
async fn end(app: &App, slug: &str, user: UserId) -> HandlerResult<Outcome> {
    let (task, slug) = (app.clone(), slug.to_owned());
    let work = async move {
        let provider = provider(&task, &slug)?;
        let outcome = task.connections.retry_revocations(provider, user).await;
        outcome.map_err(|error| app_error(&error, provider))
    };
    app.run_to_completion(work).await
}

/// When it is worth asking again for something that is being renewed.
const SOON: Span = Span::seconds(20);

fn app_error(error: &Error, provider: &Provider) -> AppError {
    let error = match error {
        // The store's own words, and its line in the log.
        Error::Store(_) | Error::Encrypt(_) => return store_error(error),
        Error::NotConnected => AppError::new(catalogue::NOT_CONNECTED),
        Error::NotGranted => AppError::new(catalogue::NOT_GRANTED),
        Error::Reconnect { reason, .. } => AppError::new(catalogue::RECONNECT).detail(format!(
            "{} {}.",
            provider.label,
            reason.phrase()
        )),
        Error::Busy => AppError::new(catalogue::RENEWING).retry_after(SOON),
        Error::Unavailable(what) => AppError::new(match what {
            Failure::Timeout => catalogue::SERVICE_TIMEOUT,
            Failure::ClientRejected | Failure::Settings => catalogue::SITE_NOT_ACCEPTED,
            _ => catalogue::SERVICE_UNAVAILABLE,
        })
        .detail(format!("{} {}.", provider.label, what.phrase())),
    };
    error.at(provider).action(back(&provider.slug))
}

fn store_error(error: &Error) -> AppError {
    if let Error::Store(error) = error {
        return error.into();
    }
    tracing::error!(%error, "a connection could not be read or written");
    AppError::new(catalogue::INTERNAL)
}

/// Back to the page, with a word on what was done.
fn done(what: &str, provider: &str) -> String {
    format!("/connections?done={what}&at={provider}#{provider}")
}

fn provider<'a>(app: &'a Application, slug: &str) -> HandlerResult<&'a Provider> {
    app.provider(slug).ok_or_else(|| AppError::new(catalogue::UNKNOWN_PROVIDER).action(back(slug)))
}

/// To the page on which everything is.
fn back(slug: &str) -> Action {
    // What is no name of a provider is no anchor either.
    let known = slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let anchor = if known { slug } else { "" };
    Action::link("Go to your connections", format!("/connections#{anchor}"))
}
