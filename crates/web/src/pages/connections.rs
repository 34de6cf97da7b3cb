//! Connections: services at providers that we may use on the user's behalf. The same
//! page lists apps that may use the user's data here.

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
    /// What was done, and the provider's label.
    done: Option<(String, String)>,
    cards: Vec<ProviderCard>,
    /// Of providers that were removed from the settings.
    unavailable: Vec<Connection>,
    other_apps: ConnectedApps,
}

#[derive(Debug)]
pub(crate) struct ProviderCard {
    slug: String,
    label: String,
    local: bool,
    services: Vec<ServiceRow>,
    connection: Option<Connection>,
    /// Disconnected, but its tokens are not revoked yet.
    disconnecting: Option<Connection>,
}

#[derive(Debug)]
pub(crate) struct ServiceRow {
    offer: &'static Offer,
    granted: bool,
    /// Requested, but not granted.
    denied: bool,
}

impl ProviderCard {
    fn of(provider: &Provider, all: &[Connection]) -> Self {
        let find = |ending| {
            all.iter().find(|one| one.provider == provider.slug && one.is_disconnecting() == ending)
        };
        let connection = find(false);
        let row = |offer: &'static Offer| {
            let granted = connection.is_some_and(|one| one.granted.contains(offer.scope));
            let requested = connection.is_some_and(|one| one.requested.contains(offer.scope));
            ServiceRow { offer, granted, denied: requested && !granted }
        };
        Self {
            slug: provider.slug.clone(),
            label: provider.label.clone(),
            local: provider.local,
            services: provider.family().offers().iter().map(row).collect(),
            connection: connection.cloned(),
            disconnecting: find(true).cloned(),
        }
    }

    fn is_active(&self) -> bool {
        self.connection.as_ref().is_some_and(|one| one.state.is_active())
    }

    /// Services that are not granted, or all if the user must reconnect.
    fn requestable(&self) -> Vec<&ServiceRow> {
        let active = self.is_active();
        self.services.iter().filter(|one| !active || !one.granted).collect()
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
    fetched_at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DoneQuery {
    done: Option<String>,
    at: Option<String>,
}

/// `GET /connections`. Calls no provider, only the authorization server for its apps.
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
        unavailable: all.into_iter().filter(|one| app.provider(&one.provider).is_none()).collect(),
        other_apps: connected_apps::list(&app, caller.user.id, subjects).await,
        layout: Layout::new(&app, Some(&caller)).at("/connections"),
    }))
}

/// `GET /connections/{provider}/{service}`: fetches the data from the provider.
pub(crate) async fn service(
    State(app): State<App>,
    Path((slug, service)): Path<(String, String)>,
    caller: Caller,
) -> HandlerResult<Page<ServicePage>> {
    let target = provider(&app, &slug)?;
    let offer = target.family().offer(&service).ok_or_else(|| {
        AppError::new(catalogue::NOT_FOUND)
            .detail("This service is not available.")
            .action(back(&slug))
    })?;
    let user = calling_user(&app, &caller).await?;
    let (task, name) = (app.clone(), slug.clone());
    let work = async move {
        let provider = provider(&task, &name)?;
        let listed = task.connections.list(provider, user, offer).await;
        checked(&task, provider, user, listed).await
    };
    let entries = app.run_to_completion(work).await?;
    Ok(Page(ServicePage {
        layout: Layout::new(&app, Some(&caller)),
        label: target.label.clone(),
        slug,
        local: target.local,
        offer,
        entries,
        fetched_at: app.clock.now(),
    }))
}

/// `POST /connections/{provider}/refresh`
pub(crate) async fn refresh(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Caller,
) -> HandlerResult<Redirect> {
    let user = calling_user(&app, &caller).await?;
    let (task, name) = (app.clone(), slug.clone());
    let work = async move {
        let provider = provider(&task, &name)?;
        let refreshed = task.connections.refresh_now(provider, user).await;
        checked(&task, provider, user, refreshed).await
    };
    app.run_to_completion(work).await?;
    Ok(Redirect::to(&done("refreshed", &slug)))
}

/// The user whose connection is used, unless the sign-in was revoked or makes too many calls.
async fn calling_user(app: &App, caller: &Caller) -> HandlerResult<UserId> {
    caller.require_active(app).await?;
    app.limits.check_call(caller.user.id)?;
    Ok(caller.user.id)
}

/// Records that the user has to reconnect: once, by the request that noticed it.
async fn checked<T>(
    app: &App,
    provider: &Provider,
    user: UserId,
    result: Result<T, Error>,
) -> HandlerResult<T> {
    if let Err(Error::Reconnect { reason, newly_broken: true }) = &result {
        let detail = format!("{}: {}", provider.slug, reason.as_str());
        audit::record(app, Kind::ReconnectNeeded, Some(user), Actor::Unknown, detail, None).await;
    }
    result.map_err(|error| app_error(&error, provider))
}

/// `POST /connections/{provider}`: redirects to the provider to grant what was ticked.
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
        return Err(AppError::new(catalogue::NOTHING_CHOSEN)
            .for_provider(provider)
            .action(back(&slug)));
    }
    // Some providers revoke all grants of a user together: finish revoking the old one
    // before there is a new one.
    let disconnecting = app.connections.is_revocation_pending(provider, user).await;
    if disconnecting.map_err(|error| app_error(&error, provider))?
        && finish_disconnecting(&app, &slug, user).await? == Outcome::Later
    {
        return Err(AppError::new(catalogue::STILL_DISCONNECTING)
            .for_provider(provider)
            .action(back(&slug)));
    }
    let previous = current(&app.db, user, &slug).await?.map(|stored| stored.connection);
    let granted = previous.filter(|one| one.state.is_active()).map(|one| one.granted);
    let scopes = decision::scopes_to_request(provider.family(), granted.as_ref(), &chosen);
    let return_to = ReturnTo::parse(Some(&done("connected", &slug)), &app.settings.public_url);
    let purpose = Purpose::connect(user, &scopes);
    redirect_to_provider(&app, &slug, purpose, return_to, &headers)
        .await
        .map_err(|error| error.replace_actions(vec![back(&slug)]))
}

/// Handles the callback of a connection. It signs nobody in, and only the user who
/// started it may complete it. Returns where to redirect.
pub(crate) async fn complete(
    app: &App,
    provider: &Provider,
    callback: ConnectCallback,
    context: &SignInContext,
) -> HandlerResult<String> {
    let user = callback.user;
    // By now another user may be signed in, or none.
    let Some(caller) = context.current.as_ref().filter(|caller| caller.user.id == user) else {
        return Err(AppError::new(catalogue::CONNECTION_LOST).action(back(&provider.slug)));
    };
    caller.require_active(app).await?;
    // Issued tokens are either saved or revoked, even if the browser disconnects.
    let (task, slug) = (app.clone(), provider.slug.clone());
    let work = async move { exchange(&task, &slug, callback).await };
    if !app.run_to_completion(work).await? {
        return Ok(done("declined", &provider.slug));
    }
    audit::record_by_user(app, Kind::Connected, user, &*provider.slug, &context.client).await;
    Ok(done("connected", &provider.slug))
}

/// Exchanges the code and saves the tokens. Returns whether the user agreed.
async fn exchange(app: &App, slug: &str, callback: ConnectCallback) -> HandlerResult<bool> {
    let ConnectCallback { user, requested, attempt, response } = callback;
    let provider = provider(app, slug)?;
    let failed = |error: Error| app_error(&error, provider);
    // If the user has disconnected in the meantime, revoking that grant could revoke the
    // new one.
    if app.connections.is_revocation_pending(provider, user).await.map_err(failed)? {
        return Err(AppError::new(catalogue::STILL_DISCONNECTING)
            .for_provider(provider)
            .action(back(slug)));
    }
    let is_first = current(&app.db, user, slug).await?.is_none();
    let now = app.clock.now();
    let exchanged = match flow::exchange_code(&app.http, provider, &attempt, response, now).await {
        Ok(exchanged) => exchanged,
        Err(oauth::Error::Declined) => return Ok(false),
        Err(error) => return Err(connect_error(&error, provider, &attempt)),
    };
    let tokens = &exchanged.tokens;
    let saved = match flow::fetch_profile(&app.http, provider, &attempt, &exchanged, now).await {
        Ok(Authenticated { profile, .. }) => {
            match app.connections.save(provider, user, requested, &profile, tokens).await {
                Ok(true) => Ok(true),
                // The account was deleted in the meantime.
                Ok(false) => Err(AppError::new(catalogue::CONNECTION_LOST)),
                Err(error) => Err(failed(error)),
            }
        }
        Err(error) => Err(connect_error(&error, provider, &attempt)),
    };
    // Some providers would revoke an earlier grant as well.
    if saved.is_err() && is_first {
        app.connections.revoke_unsaved(provider, tokens).await;
    }
    saved
}

fn connect_error(error: &oauth::Error, provider: &Provider, attempt: &Attempt) -> AppError {
    AppError::from_oauth(error, provider, attempt).replace_actions(vec![back(&provider.slug)])
}

/// `POST /connections/{provider}/disconnect`
pub(crate) async fn disconnect(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    let user = calling_user(&app, &caller).await?;
    let (task, name) = (app.clone(), slug.clone());
    // Also for a provider that was removed from the settings.
    let work = async move {
        let outcome = task.connections.disconnect(&name, task.provider(&name), user).await;
        outcome.map_err(|error| store_error(&error))
    };
    let Some(outcome) = app.run_to_completion(work).await? else {
        let provider = provider(&app, &slug)?;
        return Err(AppError::new(catalogue::NOT_CONNECTED)
            .for_provider(provider)
            .action(back(&slug)));
    };
    audit::record_by_user(&app, Kind::Disconnected, user, &*slug, &client).await;
    Ok(Redirect::to(&done(done_code(outcome), &slug)))
}

const fn done_code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done(Revocation::Revoked) => "disconnected",
        Outcome::Done(Revocation::Unsupported) => "forgotten",
        Outcome::Done(Revocation::Unreadable) => "unreadable",
        Outcome::Later => "disconnecting",
    }
}

async fn finish_disconnecting(app: &App, slug: &str, user: UserId) -> HandlerResult<Outcome> {
    let (task, slug) = (app.clone(), slug.to_owned());
    let work = async move {
        let provider = provider(&task, &slug)?;
        let outcome = task.connections.retry_revocations(provider, user).await;
        outcome.map_err(|error| app_error(&error, provider))
    };
    app.run_to_completion(work).await
}

/// `Retry-After` while another request refreshes the token.
const REFRESHING_RETRY_AFTER: Span = Span::seconds(20);

fn app_error(error: &Error, provider: &Provider) -> AppError {
    let label = &provider.label;
    let error = match error {
        Error::Store(_) | Error::Encrypt(_) => return store_error(error),
        Error::NotConnected => AppError::new(catalogue::NOT_CONNECTED),
        Error::NotGranted => AppError::new(catalogue::NOT_GRANTED),
        Error::Reconnect { reason, .. } => AppError::new(catalogue::RECONNECT_NEEDED)
            .detail(format!("{label} {}.", reason.phrase())),
        Error::NotRenewable => AppError::new(catalogue::BAD_REQUEST).detail(format!(
            "{label} gave no refresh token. Disconnect and connect again instead."
        )),
        Error::Busy => {
            AppError::new(catalogue::TOKEN_BEING_RENEWED).retry_after(REFRESHING_RETRY_AFTER)
        }
        Error::Unavailable(what) => AppError::new(match what {
            Failure::Timeout => catalogue::SERVICE_TIMEOUT,
            Failure::ClientRejected | Failure::Settings => catalogue::SITE_NOT_ACCEPTED,
            _ => catalogue::SERVICE_UNAVAILABLE,
        })
        .detail(format!("{label} {}.", what.phrase())),
    };
    error.for_provider(provider).action(back(&provider.slug))
}

fn store_error(error: &Error) -> AppError {
    if let Error::Store(error) = error {
        return error.into();
    }
    tracing::error!(%error, "a connection could not be read or written");
    AppError::new(catalogue::INTERNAL_ERROR)
}

/// The page with a message about what was done.
fn done(what: &str, provider: &str) -> String {
    format!("/connections?done={what}&at={provider}#{provider}")
}

fn provider<'a>(app: &'a Application, slug: &str) -> HandlerResult<&'a Provider> {
    app.provider(slug).ok_or_else(|| AppError::new(catalogue::UNKNOWN_PROVIDER).action(back(slug)))
}

fn back(slug: &str) -> Action {
    // The slug comes from the URL: only a valid one becomes an anchor.
    let valid = slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let anchor = if valid { slug } else { "" };
    Action::link("Go to your connections", format!("/connections#{anchor}"))
}
