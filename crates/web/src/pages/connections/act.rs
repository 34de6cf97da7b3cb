//! Connecting and disconnecting.

use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use http::HeaderMap;
use latchkey_auth::connections;
use latchkey_auth::connections::ending::{Ended, Outcome};
use latchkey_auth::oauth::{Attempt, Error, Provider, Purpose, flow};
use latchkey_axum::host::Connecting;
use latchkey_axum::routes::oauth::redirect_to_provider;
use latchkey_domain::UserId;
use latchkey_domain::audit::Kind;
use latchkey_domain::connection::{Offer, decision};
use latchkey_domain::return_to::ReturnTo;
use latchkey_store::connections::current;
use serde::Deserialize;

use super::{done, words};
use crate::app::{App, Application};
use crate::audit;
use crate::caller::Caller;
use crate::client::Client;
use crate::errors::{Action, Fault, Result, catalogue};
use crate::form::Fields;
use crate::sign_in::Browser;

/// The boxes that can be ticked, by the names of the services.
#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    calendar: Option<String>,
    contacts: Option<String>,
    repositories: Option<String>,
    profile: Option<String>,
}

impl Chosen {
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
    browser: Browser,
    headers: HeaderMap,
    Fields(chosen): Fields<Chosen>,
) -> Result<Response> {
    let (caller, client) = person(&browser)?;
    caller.lives(&app).await?;
    let provider = provider(&app, &slug)?;
    let user = caller.user.id;
    app.limits.a_call(user)?;
    let offers = provider.family().offers().iter();
    let chosen: Vec<_> = offers.filter(|offer| chosen.has(offer)).collect();
    if chosen.is_empty() {
        return Err(Fault::new(catalogue::NOTHING_CHOSEN).at(provider).action(back(&slug)));
    }
    // What was ended has to be over first: some providers end every grant of a
    // person at once, the new one too.
    let ending = app.connections.is_ending(provider, user).await;
    if ending.map_err(|error| words::fault(&error, provider))?
        && end(&app, &slug, user).await? == Outcome::Later
    {
        return Err(Fault::new(catalogue::STILL_DISCONNECTING).at(provider).action(back(&slug)));
    }
    let before = current(&app.db, user, &slug).await?.map(|stored| stored.connection);
    let living = before.filter(|one| one.state.is_living()).map(|one| one.granted);
    let scopes = decision::to_ask(provider.family(), living.as_ref(), &chosen);
    let return_to = ReturnTo::parse(Some(&done("connected", &slug)), &app.settings.public_url);
    let purpose = Purpose::connect(user, &scopes);
    redirect_to_provider(&app, &slug, purpose, return_to, client, &headers)
        .await
        .map_err(|fault| fault.instead(vec![back(&slug)]))
}

/// Somebody comes back with a grant, or without one. Nobody is signed in by it,
/// and only whoever set out may bring it. Says where they go next.
pub(crate) async fn finish(
    app: &App,
    provider: &Provider,
    connecting: Connecting,
    browser: &Browser,
) -> Result<String> {
    let user = connecting.user;
    let (caller, client) = match person(browser) {
        Ok(person) if person.0.user.id == user => person,
        // Somebody else is signed in here by now, or nobody.
        _ => return Err(Fault::new(catalogue::CONNECTION_LOST).action(back(&provider.slug))),
    };
    caller.lives(app).await?;
    // Goes on whether or not somebody still waits: what the provider hands out is
    // kept, or ended again.
    let (task, slug) = (app.clone(), provider.slug.clone());
    let work = async move { take(&task, &slug, connecting).await };
    let kept = app.beside.run(work).await?;
    if !kept {
        return Ok(done("declined", &provider.slug));
    }
    audit::by_person(app, Kind::Connected, user, &*provider.slug, client).await;
    Ok(done("connected", &provider.slug))
}

/// Redeems the code and keeps what it yields. Says whether the person said yes.
async fn take(app: &App, slug: &str, connecting: Connecting) -> Result<bool> {
    let Connecting { user, asked, attempt, answer } = connecting;
    let provider = provider(app, slug)?;
    let failed = |error: connections::Error| words::fault(&error, provider);
    // Something may have been ended since they set out: its end would be the
    // end of this, too.
    if app.connections.is_ending(provider, user).await.map_err(failed)? {
        return Err(Fault::new(catalogue::STILL_DISCONNECTING).at(provider).action(back(slug)));
    }
    let is_first = current(&app.db, user, slug).await?.is_none();
    let now = app.clock.now();
    let redeemed = match flow::exchange_code(&app.http, provider, &attempt, answer, now).await {
        Ok(redeemed) => redeemed,
        Err(Error::Declined) => return Ok(false),
        Err(error) => return Err(set_out_failed(&error, provider, &attempt)),
    };
    let kept = match flow::fetch_profile(&app.http, provider, &attempt, &redeemed, now).await {
        Ok(profile) => {
            let kept = app.connections.keep(provider, user, asked, &profile, &redeemed.tokens);
            kept.await.map_err(failed).and_then(|kept| match kept {
                true => Ok(true),
                // The account was deleted meanwhile.
                false => Err(Fault::new(catalogue::CONNECTION_LOST)),
            })
        }
        Err(error) => Err(set_out_failed(&error, provider, &attempt)),
    };
    // At some providers it would be the end of every grant of this person.
    if kept.is_err() && is_first {
        app.connections.let_go(provider, &redeemed.tokens).await;
    }
    kept
}

/// Why nothing was connected, in the catalogue's words.
fn set_out_failed(error: &Error, provider: &Provider, attempt: &Attempt) -> Fault {
    Fault::from_oauth(error, provider, attempt).instead(vec![back(&provider.slug)])
}

/// `POST /connections/{provider}/disconnect`
pub(crate) async fn disconnect(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Caller,
    client: Client,
) -> Result<Redirect> {
    caller.lives(&app).await?;
    let user = caller.user.id;
    app.limits.a_call(user)?;
    let (task, name) = (app.clone(), slug.clone());
    // One whose provider has left the settings can be ended, too.
    let work = async move {
        let outcome = task.connections.disconnect(&name, task.provider(&name), user).await;
        outcome.map_err(|error| words::store(&error))
    };
    let Some(outcome) = app.beside.run(work).await? else {
        let provider = provider(&app, &slug)?;
        return Err(Fault::new(catalogue::NOT_CONNECTED).at(provider).action(back(&slug)));
    };
    audit::by_person(&app, Kind::Disconnected, user, &*slug, &client).await;
    Ok(Redirect::to(&done(word(outcome), &slug)))
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done(Ended::Revoked) => "disconnected",
        Outcome::Done(Ended::NoWay) => "forgotten",
        Outcome::Done(Ended::Unreadable) => "unreadable",
        Outcome::Later => "disconnecting",
    }
}

/// Ends what was ended before and is not over.
async fn end(app: &App, slug: &str, user: UserId) -> Result<Outcome> {
    let (task, slug) = (app.clone(), slug.to_owned());
    let work = async move {
        let provider = provider(&task, &slug)?;
        let outcome = task.connections.finish(provider, user).await;
        outcome.map_err(|error| words::fault(&error, provider))
    };
    app.beside.run(work).await
}

fn person(browser: &Browser) -> Result<(&Caller, &Client)> {
    let caller = browser.before.as_ref().ok_or_else(|| {
        let sign_in = Action::link("Sign in", "/sign-in?next=%2Fconnections");
        Fault::new(catalogue::SIGN_IN_REQUIRED).action(sign_in)
    })?;
    Ok((caller, &browser.client))
}

pub(super) fn provider<'a>(app: &'a Application, slug: &str) -> Result<&'a Provider> {
    app.provider(slug).ok_or_else(|| Fault::new(catalogue::UNKNOWN_PROVIDER).action(back(slug)))
}

/// To the page on which everything is.
pub(super) fn back(slug: &str) -> Action {
    // What is no name of a provider is no anchor either.
    let known = slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let anchor = if known { slug } else { "" };
    Action::link("Go to your connections", format!("/connections#{anchor}"))
}
