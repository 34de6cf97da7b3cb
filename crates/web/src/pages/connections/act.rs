//! ConnectCallback and disconnecting.

use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use http::HeaderMap;
use latchkey_auth::connections;
use latchkey_auth::connections::ending::{Ended, Outcome};
use latchkey_auth::oauth::{Attempt, Error, Provider, Purpose, flow};
use latchkey_axum::host::ConnectCallback;
use latchkey_axum::routes::oauth::redirect_to_provider;
use latchkey_domain::UserId;
use latchkey_domain::audit::Kind;
use latchkey_domain::connection::{Offer, decision};
use latchkey_domain::return_to::ReturnTo;
use latchkey_store::connections::current;
use serde::Deserialize;

use super::words::{self, back, done, provider};
use crate::app::App;
use crate::audit;
use crate::caller::PageCaller;
use crate::client::Client;
use crate::errors::{Action, AppError, HandlerResult, catalogue};
use crate::extract::StrictForm;
use crate::sign_in::SignInContext;

/// The boxes that can be ticked, by the names of the services.
#[derive(Debug, Deserialize)]
pub(crate) struct ConnectForm {
    calendar: Option<String>,
    contacts: Option<String>,
    repositories: Option<String>,
    profile: Option<String>,
}

impl ConnectForm {
    fn has(&self, offer: &Offer) -> bool {
        use latchkey_domain::connection::Service;
        match offer.service {
            Service::Calendar => &self.calendar,
            Service::Contacts => &self.contacts,
            Service::Repositories => &self.repositories,
            Service::Profile => &self.profile,
        }
        .is_some()
    }
}

/// `POST /connections/{provider}`: sets out to connect what was ticked.
pub(crate) async fn connect(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Option<PageCaller>,
    headers: HeaderMap,
    StrictForm(chosen): StrictForm<ConnectForm>,
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
    let chosen: Vec<_> = offers.filter(|offer| chosen.has(offer)).collect();
    if chosen.is_empty() {
        return Err(AppError::new(catalogue::NOTHING_CHOSEN).at(provider).action(back(&slug)));
    }
    // What was ended has to be over first: some providers end every grant of a
    // person at once, the new one too.
    let ending = app.connections.is_ending(provider, user).await;
    if ending.map_err(|error| words::app_error(&error, provider))?
        && end(&app, &slug, user).await? == Outcome::Later
    {
        return Err(AppError::new(catalogue::STILL_DISCONNECTING).at(provider).action(back(&slug)));
    }
    let before = current(&app.db, user, &slug).await?.map(|stored| stored.connection);
    let living = before.filter(|one| one.state.is_living()).map(|one| one.granted);
    let scopes = decision::to_ask(provider.family(), living.as_ref(), &chosen);
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
    let kept = app.run_to_end(work).await?;
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
    let failed = |error: connections::Error| words::app_error(&error, provider);
    // Something may have been ended since they set out: its end would be the
    // end of this, too.
    if app.connections.is_ending(provider, user).await.map_err(failed)? {
        return Err(AppError::new(catalogue::STILL_DISCONNECTING).at(provider).action(back(slug)));
    }
    let is_first = current(&app.db, user, slug).await?.is_none();
    let now = app.clock.now();
    let redeemed = match flow::exchange_code(&app.http, provider, &attempt, response, now).await {
        Ok(redeemed) => redeemed,
        Err(Error::Declined) => return Ok(false),
        Err(error) => return Err(connect_error(&error, provider, &attempt)),
    };
    let kept = match flow::fetch_profile(&app.http, provider, &attempt, &redeemed, now).await {
        Ok(profile) => {
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
fn connect_error(error: &Error, provider: &Provider, attempt: &Attempt) -> AppError {
    AppError::from_oauth(error, provider, attempt).instead(vec![back(&provider.slug)])
}

/// `POST /connections/{provider}/disconnect`
pub(crate) async fn disconnect(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: PageCaller,
    client: Client,
) -> HandlerResult<Redirect> {
    caller.require_active(&app).await?;
    let user = caller.user.id;
    app.limits.check_call(user)?;
    let (task, name) = (app.clone(), slug.clone());
    // One whose provider has left the settings can be ended, too.
    let work = async move {
        let outcome = task.connections.disconnect(&name, task.provider(&name), user).await;
        outcome.map_err(|error| words::store(&error))
    };
    let Some(outcome) = app.run_to_end(work).await? else {
        let provider = provider(&app, &slug)?;
        return Err(AppError::new(catalogue::NOT_CONNECTED).at(provider).action(back(&slug)));
    };
    audit::by_person(&app, Kind::Disconnected, user, &*slug, &client).await;
    Ok(Redirect::to(&done(word(outcome), &slug)))
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done(Ended::Revoked) => "disconnected",
        Outcome::Done(Ended::Unsupported) => "forgotten",
        Outcome::Done(Ended::Unreadable) => "unreadable",
        Outcome::Later => "disconnecting",
    }
}

/// Ends what was ended before and is not over.
async fn end(app: &App, slug: &str, user: UserId) -> HandlerResult<Outcome> {
    let (task, slug) = (app.clone(), slug.to_owned());
    let work = async move {
        let provider = provider(&task, &slug)?;
        let outcome = task.connections.finish(provider, user).await;
        outcome.map_err(|error| words::app_error(&error, provider))
    };
    app.run_to_end(work).await
}
