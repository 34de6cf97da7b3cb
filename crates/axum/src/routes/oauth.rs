//! Out to a provider, and back.

use axum::Extension;
use axum::extract::{FromRef, Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use latchkey_auth::admission;
use latchkey_auth::linking::{Pending, WAITS};
use latchkey_auth::oauth::attempt::{self, AttemptError, COOKIE_PREFIX, REMEMBERED};
use latchkey_auth::oauth::response::Response as Answer;
use latchkey_auth::oauth::{Attempt, Provider, Purpose, flow};
use latchkey_domain::UserId;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::connection::Granted;
use latchkey_domain::identity::Profile;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::{Door, Key};
use serde::Deserialize;
use tower_sessions::cookie::Cookie;

use crate::audit;
use crate::client::Client;
use crate::cookies::{PENDING_LINK, SetCookies};
use crate::errors::{Action, Fault, Result, catalogue};
use crate::form::Fields;
use crate::host::{Connecting, Host};
use crate::linking::link_identity;
use crate::sign_in::{Browser, let_in, strategy};
use crate::state::Latchkey;

/// How many attempts of one browser may wait at a time. More cookies than this
/// would make its requests too large to be served.
const MAX_WAITING: usize = 6;

#[derive(Debug, Deserialize)]
pub(super) struct StartForm {
    strategy: Option<String>,
    next: Option<String>,
}

/// `POST /auth/{provider}`: sets out. By POST, so that nobody is sent on their
/// way by a link or an image on somebody else's page.
pub(super) async fn start(
    State(latchkey): State<Latchkey>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    client: Client,
    Fields(form): Fields<StartForm>,
) -> Result<Response> {
    let key = strategy(form.strategy.as_deref(), Key::Session)?;
    let return_to = ReturnTo::parse(form.next.as_deref(), &latchkey.config.public_url);
    redirect_to_provider(&latchkey, &slug, Purpose::SignIn(key), return_to, &client, &headers).await
}

/// Sends the browser to a provider (RFC 6749 §4.1.1), with the attempt in a cookie.
pub async fn redirect_to_provider(
    latchkey: &Latchkey,
    slug: &str,
    purpose: Purpose,
    return_to: ReturnTo,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Response> {
    let provider = find_provider(latchkey, slug)?;
    let now = latchkey.clock.now();
    let secret = &latchkey.config.app_secret;
    let attempt = Attempt::new(slug, purpose, return_to, &client.user_agent, secret, now);
    let url = flow::authorization_url(&latchkey.http, provider, &attempt, now)
        .await
        .map_err(|error| Fault::from_oauth(&error, provider, &attempt))?;
    let mut cookies = evict_oldest_attempts(latchkey, headers);
    cookies.push(attempt_cookie(latchkey, &attempt));
    Ok((SetCookies(cookies), Redirect::to(url.as_str())).into_response())
}

/// `GET /auth/{provider}/callback`: the authorization response (RFC 6749
/// §4.1.2), and everything that follows from it, in order.
pub(super) async fn callback<S: Host>(
    State(host): State<S>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    browser: Browser,
) -> Result<Response>
where
    Latchkey: FromRef<S>,
{
    let latchkey = Latchkey::from_ref(&host);
    let provider = find_provider(&latchkey, &slug)?;
    let answer = Answer::parse(query.as_deref().unwrap_or_default());

    // The state has to be one that we sent out, in this very browser
    // (RFC 6749 §10.12, RFC 9700 §4.7).
    let state = answer.state.as_deref().unwrap_or_default();
    let attempt = find_attempt(&latchkey, &headers, &slug, state, &browser.client)
        .map_err(|error| Fault::from_attempt(error, provider, browser.before.is_some()))?;

    // From here on the attempt is over, however it ends: its cookie keeps only
    // that it was there.
    browser.outgoing.add(vec![attempt_cookie(&latchkey, &attempt.clone().finished())]);

    let return_to = attempt.return_to.clone();
    match attempt.purpose {
        Purpose::SignIn(key) => {
            // The token request, the ID token, the profile.
            let profile = authenticate(&latchkey, provider, &attempt, answer, &browser).await?;
            // Whose account is it, or is it a new one?
            let roles = host.initial_roles(provider, &profile);
            let (db, clock) = (&latchkey.db, &latchkey.clock);
            let admitted = admission::admit(db, clock, &provider.slug, &profile, roles)
                .await
                .map_err(|error| admission_error(&latchkey, error, provider, profile, &browser))?;
            let user = admitted.user;
            if admitted.is_new {
                let (slug, client) = (&*provider.slug, &browser.client);
                audit::by_person(&latchkey, Kind::SignedUp, user.id, slug, client).await;
            }
            // The session, or the tokens.
            let door = Door::OAuth(provider.slug.clone());
            let signed_in = let_in(&latchkey, browser, &user, door, key).await?;
            Ok((Extension(signed_in), Redirect::to(return_to.as_str())).into_response())
        }
        Purpose::Link(user) => {
            let profile = authenticate(&latchkey, provider, &attempt, answer, &browser).await?;
            link(&latchkey, user, provider, &profile, &browser).await?;
            Ok(Redirect::to(return_to.as_str()).into_response())
        }
        Purpose::Connect { user, ref scopes } => {
            let asked = Granted::parse(scopes);
            let connecting = Connecting { user, asked, attempt, answer };
            let next = host.connect(&browser, provider, connecting).await?;
            Ok(Redirect::to(&next).into_response())
        }
    }
}

/// Who it is, as the provider says.
async fn authenticate(
    latchkey: &Latchkey,
    provider: &Provider,
    attempt: &Attempt,
    answer: Answer,
    browser: &Browser,
) -> Result<Profile> {
    let now = latchkey.clock.now();
    match flow::authenticate(&latchkey.http, provider, attempt, answer, now).await {
        Ok(profile) => Ok(profile),
        Err(error) => {
            let fault = Fault::from_oauth(&error, provider, attempt);
            let how = format!("{}: {}", provider.slug, fault.entry().code);
            let client = Some(&browser.client);
            audit::note(latchkey, Kind::SignInFailed, None, Actor::Nobody, how, client).await;
            Err(fault)
        }
    }
}

/// Links what a provider has just vouched for, for whoever set out to do so.
async fn link(
    latchkey: &Latchkey,
    user: UserId,
    provider: &Provider,
    profile: &Profile,
    browser: &Browser,
) -> Result<()> {
    // Somebody else signed in here in the meantime: it is not theirs to link.
    let Some(caller) = browser.before.as_ref().filter(|caller| caller.user.id == user) else {
        return Err(
            Fault::new(catalogue::LINK_LOST).action(Action::link("Go to your account", "/account"))
        );
    };
    caller.lives(latchkey).await?;
    link_identity(latchkey, user, &provider.slug, profile, &browser.client).await
}

fn find_provider<'a>(latchkey: &'a Latchkey, slug: &str) -> Result<&'a Provider> {
    latchkey.provider(slug).ok_or_else(|| {
        Fault::new(catalogue::UNKNOWN_PROVIDER)
            .action(Action::link("Go to the sign-in page", "/sign-in"))
    })
}

/// Finds this browser's attempt by the state of the answer.
fn find_attempt(
    latchkey: &Latchkey,
    headers: &HeaderMap,
    slug: &str,
    state: &str,
    client: &Client,
) -> std::result::Result<Attempt, AttemptError> {
    let secret = &latchkey.config.app_secret;
    let cookie = latchkey.cookies.value(headers, &Attempt::cookie_name(state));
    let attempt = cookie.and_then(|cookie| Attempt::open(cookie, state, secret));
    let now = latchkey.clock.now();
    let sent = attempt::decode_state(state, secret);
    let attempt = attempt::validate(attempt, slug, sent, &client.user_agent, now)?;
    match latchkey.used_attempts.take(&attempt.state, now) {
        true => Ok(attempt),
        false => Err(AttemptError::AlreadyUsed),
    }
}

fn attempt_cookie(latchkey: &Latchkey, attempt: &Attempt) -> Cookie<'static> {
    let name = Attempt::cookie_name(&attempt.state);
    latchkey.cookies.cookie(&name, attempt.seal(&latchkey.config.app_secret), REMEMBERED)
}

/// The removal of attempts beyond those that may wait.
fn evict_oldest_attempts(latchkey: &Latchkey, headers: &HeaderMap) -> Vec<Cookie<'static>> {
    let waiting: Vec<_> = latchkey.cookies.beginning_with(headers, COOKIE_PREFIX).collect();
    let too_many = (waiting.len() + 1).saturating_sub(MAX_WAITING);
    // Browsers send older cookies first (RFC 6265 §5.4).
    waiting.iter().take(too_many).map(|(name, _)| latchkey.cookies.removal(name)).collect()
}

/// Somebody who has an account that is entered another way is asked to come
/// that way, and may then link this one: it waits for them in a cookie.
fn admission_error(
    latchkey: &Latchkey,
    error: admission::Error,
    provider: &Provider,
    profile: Profile,
    browser: &Browser,
) -> Fault {
    match error {
        admission::Error::EmailTaken => {
            let since = latchkey.clock.now();
            let pending = Pending { provider: provider.slug.clone(), profile, since };
            let sealed = pending.seal(&latchkey.config.app_secret);
            browser.outgoing.add(vec![latchkey.cookies.cookie(PENDING_LINK, sealed, WAITS)]);
            let label = format!("Sign in as before and link {}", provider.label);
            Fault::new(catalogue::EMAIL_TAKEN)
                .at(provider)
                .action(Action::link(label, "/sign-in?next=%2Faccount%2Flink"))
        }
        admission::Error::Store(error) => error.into(),
    }
}
