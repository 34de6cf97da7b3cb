//! Out to a provider, and back.

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, Method};
use latchkey_auth::admission;
use latchkey_auth::linking::{Pending, WAITS};
use latchkey_auth::oauth::attempt::{self, COOKIE_PREFIX, REMEMBERED, Stray};
use latchkey_auth::oauth::response::Response as Answer;
use latchkey_auth::oauth::{Attempt, Provider, flow};
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::identity::Profile;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::{Door, Key};
use latchkey_domain::{Role, Roles};
use serde::Deserialize;
use tower_sessions::cookie::Cookie;

use crate::app::{App, Application};
use crate::audit;
use crate::client::Client;
use crate::cookies::{PENDING_LINK, SetCookies};
use crate::errors::{Action, Fault, Result, catalogue};
use crate::form::Fields;
use crate::pages::account::link;
use crate::pages::connections;
use crate::sign_in::{Browser, SignedIn, let_in};

/// How many attempts of one browser may wait at a time. More cookies than this
/// would make its requests too large to be served.
const MAX_WAITING: usize = 6;

#[derive(Debug, Deserialize)]
pub(crate) struct Start {
    strategy: Option<String>,
    next: Option<String>,
}

/// `POST /auth/{provider}`: sets out. By POST, so that nobody is sent on their
/// way by a link or an image on somebody else's page.
pub(crate) async fn start(
    State(app): State<App>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    client: Client,
    Fields(form): Fields<Start>,
) -> Result<Response> {
    let key = strategy(form.strategy.as_deref(), Key::Session)?;
    let return_to = ReturnTo::parse(form.next.as_deref(), &app.settings.public_url);
    let secret = &app.settings.app_secret;
    let browser = &client.user_agent;
    let attempt = Attempt::new(&slug, key, return_to, browser, secret, app.clock.now());
    set_out(&app, &slug, attempt, &headers).await
}

/// Sends the browser to a provider, with the attempt in a cookie.
pub(crate) async fn set_out(
    app: &Application,
    slug: &str,
    attempt: Attempt,
    headers: &HeaderMap,
) -> Result<Response> {
    let provider = provider(app, slug)?;
    let url =
        flow::begin(&app.http, provider, &attempt, app.clock.now()).await.map_err(|error| {
            match attempt.connecting {
                Some(_) => connections::set_out_failed(&error, provider, &attempt),
                None => Fault::from_oauth(&error, provider, &attempt),
            }
        })?;
    let mut cookies = superfluous(app, headers);
    cookies.push(cookie(app, &attempt));
    Ok((SetCookies(cookies), Redirect::to(url.as_str())).into_response())
}

/// `GET /auth/{provider}/callback`: comes back.
pub(crate) async fn callback(
    State(app): State<App>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    method: Method,
    browser: Browser,
) -> Result<Response> {
    // A look at the headers alone must not use up the code.
    if method != Method::GET {
        return Err(Fault::new(catalogue::METHOD_NOT_ALLOWED));
    }
    let provider = provider(&app, &slug)?;
    let answer = Answer::parse(query.as_deref().unwrap_or_default());
    let attempt =
        match find(&app, &headers, &slug, answer.state.as_deref(), &browser.client.user_agent) {
            Ok(attempt) => attempt,
            Err(stray) => {
                return Err(Fault::from_stray(stray, provider, browser.before.is_some()));
            }
        };
    // From here on the attempt is over, however it ends: its cookie keeps
    // only that it was there.
    let spent = SetCookies(vec![cookie(&app, &attempt.clone().finished())]);
    if attempt.connecting.is_some() {
        return match connections::finish(&app, provider, &attempt, answer, &browser).await {
            Ok(next) => Ok((spent, Redirect::to(&next)).into_response()),
            Err(fault) => Ok((spent, fault).into_response()),
        };
    }
    match finish(&app, provider, &attempt, answer, browser).await {
        Ok(signed_in) => {
            let to = Redirect::to(attempt.return_to.as_str());
            Ok((spent, signed_in.map(Extension), to).into_response())
        }
        Err(fault) => Ok((spent, fault).into_response()),
    }
}

async fn finish(
    app: &App,
    provider: &Provider,
    attempt: &Attempt,
    answer: Answer,
    browser: Browser,
) -> Result<Option<SignedIn>> {
    let completed = flow::complete(&app.http, provider, attempt, answer, app.clock.now()).await;
    let profile = match completed {
        Ok(profile) => profile,
        Err(error) => {
            let fault = Fault::from_oauth(&error, provider, attempt);
            let how = format!("{}: {}", provider.slug, fault.entry().code);
            let client = Some(&browser.client);
            audit::note(app, Kind::SignInFailed, None, Actor::Nobody, how, client).await;
            return Err(fault);
        }
    };
    if let Some(user) = attempt.linking {
        link::finish(app, user, &provider.slug, &profile, &browser).await?;
        return Ok(None);
    }
    let roles = first_roles(provider, &profile);
    let admitted = admission::admit(&app.db, &app.clock, &provider.slug, &profile, roles)
        .await
        .map_err(|error| not_admitted(app, error, provider, profile, &browser))?;
    let user = admitted.user;
    if admitted.is_new {
        let client = &browser.client;
        audit::by_person(app, Kind::SignedUp, user.id, &*provider.slug, client).await;
    }
    let door = Door::OAuth(provider.slug.clone());
    let_in(app, browser, &user, door, attempt.key).await.map(Some)
}

fn provider<'a>(app: &'a Application, slug: &str) -> Result<&'a Provider> {
    app.provider(slug).ok_or_else(|| {
        Fault::new(catalogue::UNKNOWN_PROVIDER)
            .action(Action::link("Go to the sign-in page", "/sign-in"))
    })
}

pub(crate) fn strategy(text: Option<&str>, default: Key) -> Result<Key> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            Fault::new(catalogue::BAD_REQUEST).detail("The field strategy must be session or jwt.")
        }),
    }
}

/// Finds this browser's attempt by the state of the answer.
fn find(
    app: &Application,
    headers: &HeaderMap,
    slug: &str,
    state: Option<&str>,
    browser: &str,
) -> std::result::Result<Attempt, Stray> {
    let state = state.unwrap_or_default();
    let secret = &app.settings.app_secret;
    let attempt = app
        .cookies
        .value(headers, &Attempt::cookie_name(state))
        .and_then(|cookie| Attempt::open(cookie, state, secret));
    let now = app.clock.now();
    let sent = attempt::sent(state, secret);
    let attempt = attempt::belongs(attempt, slug, sent, browser, now)?;
    if app.used_attempts.take(&attempt.state, now) { Ok(attempt) } else { Err(Stray::AlreadyUsed) }
}

fn cookie(app: &Application, attempt: &Attempt) -> Cookie<'static> {
    let name = Attempt::cookie_name(&attempt.state);
    app.cookies.cookie(&name, attempt.seal(&app.settings.app_secret), REMEMBERED)
}

/// The removal of attempts beyond those that may wait.
fn superfluous(app: &Application, headers: &HeaderMap) -> Vec<Cookie<'static>> {
    let waiting: Vec<_> = app.cookies.beginning_with(headers, COOKIE_PREFIX).collect();
    let too_many = (waiting.len() + 1).saturating_sub(MAX_WAITING);
    // Browsers send older cookies first (RFC 6265 §5.4).
    waiting.iter().take(too_many).map(|(name, _)| app.cookies.removal(name)).collect()
}

/// In development the local provider has an administrator among its people,
/// who is one here too. A real provider never gives anybody a role.
fn first_roles(provider: &Provider, profile: &Profile) -> Roles {
    let is_admin = provider.local
        && profile.email_verified
        && profile.email.as_ref().is_some_and(|email| email.as_str().starts_with("admin@"));
    is_admin.then(Role::admin).into_iter().collect()
}

/// Somebody who has an account that is entered another way is asked to come
/// that way, and may then link this one: it waits for them in a cookie.
fn not_admitted(
    app: &Application,
    error: admission::Error,
    provider: &Provider,
    profile: Profile,
    browser: &Browser,
) -> Fault {
    match error {
        admission::Error::EmailTaken => {
            let since = app.clock.now();
            let pending = Pending { provider: provider.slug.clone(), profile, since };
            let sealed = pending.seal(&app.settings.app_secret);
            browser.outgoing.add(vec![app.cookies.cookie(PENDING_LINK, sealed, WAITS)]);
            let label = format!("Sign in as before and link {}", provider.label);
            Fault::new(catalogue::EMAIL_TAKEN)
                .at(provider)
                .action(Action::link(label, "/sign-in?next=%2Faccount%2Flink"))
        }
        admission::Error::Store(error) => error.into(),
    }
}
