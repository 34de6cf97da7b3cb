//! Out to a provider, and back.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{FromRef, Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use latchkey_auth::accounts::{self, PENDING_LINK_TTL, PendingLink};
use latchkey_auth::oauth::attempt::{
    self, AttemptError, COOKIE_LIFETIME, PENDING_COOKIE, Progress, USED_COOKIE,
};
use latchkey_auth::oauth::flow::{self, Authenticated};
use latchkey_auth::oauth::response::AuthorizationResponse;
use latchkey_auth::oauth::{Attempt, Provider, Purpose};
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::connection::ProviderScopes;
use latchkey_domain::{Profile, ReturnTo, SignInMethod, User, UserId};
use latchkey_store::{authorization_responses, hash, identities};
use serde::Deserialize;
use tower_sessions::cookie::Cookie;

use crate::audit;
use crate::caller::Caller;
use crate::client::{Client, user_agent};
use crate::cookies::{CookieProfile, PENDING_LINK, SetCookies};
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::extract::StrictForm;
use crate::host::{ConnectCallback, Host};
use crate::sign_in::{Proof, SignInContext, complete_sign_in, parse_strategy};
use crate::state::Latchkey;

/// How many attempts of one browser may wait at a time, and how many used ones a callback hears
/// of. More cookies than this would make its requests too large to be served.
const MAX_KEPT: usize = 6;

#[derive(Debug, Deserialize)]
pub(super) struct StartForm {
    strategy: Option<String>,
    next: Option<String>,
    /// Whether somebody who is signed in wants to prove who they are once more.
    again: Option<String>,
}

/// `POST /auth/{provider}`: sets out. By POST, so that nobody is sent on their
/// way by a link or an image on somebody else's page.
pub(super) async fn start(
    State(latchkey): State<Latchkey>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<StartForm>,
) -> HandlerResult<Response> {
    let method = SignInMethod::OAuth(slug.clone());
    let default = latchkey.config.credential_for(&method);
    let key = parse_strategy(form.strategy.as_deref(), default)?;
    let return_to = ReturnTo::parse(form.next.as_deref(), &latchkey.config.public_url);
    let can = find_provider(&latchkey, &slug)?.can_reauthenticate();
    let again = form.again.is_some_and(|again| !again.is_empty());
    let purpose = if again && can { Purpose::Reauthenticate(key) } else { Purpose::SignIn(key) };
    redirect_to_provider(&latchkey, &slug, purpose, return_to, &headers).await
}

/// Sends the browser to a provider (RFC 6749 §4.1.1), with the attempt in a cookie.
pub async fn redirect_to_provider(
    latchkey: &Latchkey,
    slug: &str,
    purpose: Purpose,
    return_to: ReturnTo,
    headers: &HeaderMap,
) -> HandlerResult<Response> {
    let provider = find_provider(latchkey, slug)?;
    let now = latchkey.clock.now();
    let (secret, user_agent) = (&latchkey.config.app_secret, user_agent(headers));
    let attempt = Attempt::new(slug, purpose, return_to, &user_agent, secret, now)?;
    let url = flow::authorization_url(&latchkey.http, provider, &attempt, now)
        .await
        .map_err(|error| AppError::from_oauth(&error, provider, &attempt))?;
    let mut cookies = evict_oldest(&latchkey.cookies, PENDING_COOKIE, headers);
    let name = Attempt::cookie_name(PENDING_COOKIE, &attempt.state);
    cookies.push(latchkey.cookies.cookie(&name, attempt.seal(secret)?, COOKIE_LIFETIME));
    Ok((SetCookies(cookies), Redirect::to(url.as_str())).into_response())
}

/// `GET /auth/{provider}/callback`: the authorization response (RFC 6749
/// §4.1.2), and everything that follows from it, in order.
pub(super) async fn callback<S: Host>(
    State(host): State<S>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    context: SignInContext,
) -> HandlerResult<Response>
where
    Latchkey: FromRef<S>,
{
    let latchkey = Latchkey::from_ref(&host);
    let provider = find_provider(&latchkey, &slug)?;
    let response = AuthorizationResponse::parse(query.as_deref().unwrap_or_default());

    // The state has to be one that we sent out, in this very browser
    // (RFC 6749 §10.12, RFC 9700 §4.7).
    let state = response.state.as_deref().unwrap_or_default();
    let here = latchkey.cookies.at(format!("/auth/{slug}/callback"));
    let used = Used { latchkey: &latchkey, here };
    let open = |sealed| Attempt::open(sealed, state, &latchkey.config.app_secret);
    let waiting = latchkey.cookies.value(&headers, &Attempt::cookie_name(PENDING_COOKIE, state));
    let attempt = waiting.and_then(open).or_else(|| used.open(&headers, state));
    if let Some(return_to) = attempt.as_ref().and_then(|attempt| came_before(attempt, &context)) {
        return Ok(Redirect::to(return_to.as_str()).into_response());
    }
    let attempt = claim(&latchkey, attempt, &slug, state, &context.client)
        .await?
        .map_err(|error| AppError::from_attempt(error, provider, context.current.is_some()))?;

    // From here on the attempt is over, however it ends: what is kept of it is only that it
    // was there, and only this path hears of it.
    let mut cookies = evict_oldest(&used.here, USED_COOKIE, &headers);
    cookies.push(latchkey.cookies.removal(&Attempt::cookie_name(PENDING_COOKIE, state)));
    cookies.push(used.cookie(attempt.clone().finish(Progress::Finished))?);
    let response_cookies = context.response_cookies.clone();
    response_cookies.add(cookies);

    let mut over = attempt.clone();
    let current = context.current.as_ref().and_then(Caller::sign_in_id);
    let (whose, signed_in) = match attempt.purpose {
        Purpose::SignIn(key) | Purpose::Reauthenticate(key) => {
            // The token request, the ID token, the profile.
            let Authenticated { profile, auth_time } =
                authenticate(&latchkey, provider, &attempt, response, &context).await?;
            // Whose account is it, or is it a new one?
            let roles = host.initial_roles(provider, &profile);
            let (db, clock) = (&latchkey.db, &latchkey.clock);
            let samples = |user, now| latchkey.config.samples(user, now);
            let account =
                accounts::find_or_create(db, clock, &provider.slug, &profile, roles, samples)
                    .await
                    .map_err(|error| {
                        admission_error(&latchkey, error, provider, profile, &context)
                    })?;
            let user = account.user;
            if account.created {
                let (slug, client) = (&*provider.slug, &context.client);
                audit::by_person(&latchkey, Kind::SignedUp, user.id, slug, client).await;
            }
            // The session, or the tokens.
            let auth_time = match no_other_proof(&latchkey, &user).await? {
                true => Some(latchkey.clock.now()),
                false => auth_time,
            };
            let proof = Proof::provider(&provider.slug, auth_time, &user);
            let signed_in = complete_sign_in(&latchkey, context, &user, proof, key).await?;
            (Some(signed_in.id), Some(Extension(signed_in)))
        }
        Purpose::Link(user) => {
            let Authenticated { profile, .. } =
                authenticate(&latchkey, provider, &attempt, response, &context).await?;
            link(&latchkey, user, provider, &profile, &context).await?;
            (current, None)
        }
        Purpose::Connect { user, ref scopes } => {
            let asked = ProviderScopes::parse(scopes);
            let callback = ConnectCallback { user, asked, attempt, response };
            let next = host.connect(&context, provider, callback).await?;
            over.return_to = ReturnTo::parse(Some(&next), &latchkey.config.public_url);
            (current, None)
        }
    };
    let onward = Redirect::to(over.return_to.as_str());
    if let Some(whose) = whose {
        response_cookies.add(vec![used.cookie(over.finish(Progress::Succeeded(whose)))?]);
    }
    Ok((signed_in, onward).into_response())
}

/// `POST /auth/{provider}/callback`: the answer as a form, from another site, so
/// without the cookies that would say whose it is. The browser brings it once more,
/// by itself: now with them, and everything that binds an answer to a browser binds
/// this one. Nothing else happens here.
pub(super) async fn form_callback(
    State(latchkey): State<Latchkey>,
    Path(slug): Path<String>,
    body: Bytes,
) -> HandlerResult<Redirect> {
    let provider = find_provider(&latchkey, &slug)?;
    if !provider.uses_form_post() {
        return Err(AppError::new(catalogue::FORM_POST_UNEXPECTED)
            .at(provider)
            .link("Sign in again", "/sign-in"));
    }
    let response = AuthorizationResponse::to_query(&body);
    Ok(Redirect::to(&format!("/auth/{slug}/callback?{response}")))
}

/// Who it is, as the provider says.
async fn authenticate(
    latchkey: &Latchkey,
    provider: &Provider,
    attempt: &Attempt,
    response: AuthorizationResponse,
    context: &SignInContext,
) -> HandlerResult<Authenticated> {
    let now = latchkey.clock.now();
    match flow::authenticate(&latchkey.http, provider, attempt, response, now).await {
        Ok(authenticated) => Ok(authenticated),
        Err(error) => {
            let error = AppError::from_oauth(&error, provider, attempt);
            let method = SignInMethod::OAuth(provider.slug.clone()).to_string();
            latchkey.metrics.sign_in(&method, "", error.entry.code);
            let how = format!("{}: {}", provider.slug, error.entry.code);
            let client = Some(&context.client);
            audit::record(latchkey, Kind::SignInFailed, None, Actor::Unknown, how, client).await;
            Err(error)
        }
    }
}

/// Links what a provider has just vouched for, for whoever set out to do so.
async fn link(
    latchkey: &Latchkey,
    user: UserId,
    provider: &Provider,
    profile: &Profile,
    context: &SignInContext,
) -> HandlerResult<()> {
    // Somebody else signed in here in the meantime: it is not theirs to link.
    let Some(caller) = context.current.as_ref().filter(|caller| caller.user.id == user) else {
        return Err(AppError::new(catalogue::LINK_LOST).link("Go to your account", "/account"));
    };
    caller.require_active(latchkey).await?;
    link_identity(latchkey, user, &provider.slug, profile, &context.client).await
}

/// Makes an identity a way to sign in to this account.
pub async fn link_identity(
    latchkey: &Latchkey,
    user: UserId,
    provider: &str,
    profile: &Profile,
    client: &Client,
) -> HandlerResult<()> {
    if accounts::link(&latchkey.db, user, provider, profile, latchkey.clock.now()).await? {
        audit::by_person(latchkey, Kind::Linked, user, provider, client).await;
    }
    Ok(())
}

impl From<accounts::Error> for AppError {
    fn from(error: accounts::Error) -> Self {
        match error {
            accounts::Error::EmailTaken => Self::new(catalogue::EMAIL_TAKEN),
            accounts::Error::IdentityTaken => {
                Self::new(catalogue::IDENTITY_TAKEN).link("Go to your account", "/account")
            }
            accounts::Error::Store(error) => error.into(),
        }
    }
}

fn find_provider<'a>(latchkey: &'a Latchkey, slug: &str) -> HandlerResult<&'a Provider> {
    latchkey.provider(slug).ok_or_else(|| {
        AppError::new(catalogue::UNKNOWN_PROVIDER).link("Go to the sign-in page", "/sign-in")
    })
}

/// Where whoever was signed in by this very attempt goes on to, or linked or connected
/// by it: a browser that had fetched ahead, or reloads, has no use for "this is finished".
fn came_before<'a>(attempt: &'a Attempt, context: &SignInContext) -> Option<&'a ReturnTo> {
    let current = context.current.as_ref()?.sign_in_id()?;
    (attempt.progress == Progress::Succeeded(current)).then_some(&attempt.return_to)
}

/// Whether the answer belongs to an attempt of this browser, and is the first to.
async fn claim(
    latchkey: &Latchkey,
    attempt: Option<Attempt>,
    slug: &str,
    state: &str,
    client: &Client,
) -> HandlerResult<Result<Attempt, AttemptError>> {
    let now = latchkey.clock.now();
    let sent = attempt::decode_state(state, &latchkey.config.app_secret);
    let attempt = match attempt::validate(attempt, slug, sent, &client.user_agent, now) {
        Ok(attempt) => attempt,
        Err(error) => return Ok(Err(error)),
    };
    let is_first =
        authorization_responses::claim(&latchkey.db, &hash::sha256_hex(state), now).await?;
    Ok(if is_first { Ok(attempt) } else { Err(AttemptError::AlreadyUsed) })
}

/// Whether there is nothing by which somebody could prove who they are but the
/// word of providers that do not say when they last asked: no address, and so
/// neither a code nor a password. They must not be locked into their account.
async fn no_other_proof(latchkey: &Latchkey, user: &User) -> HandlerResult<bool> {
    if user.email.is_some() {
        return Ok(false);
    }
    let identities = identities::of_user(&latchkey.db, user.id).await?;
    Ok(!identities.iter().any(|identity| {
        latchkey.provider(&identity.provider).is_some_and(Provider::can_reauthenticate)
    }))
}

/// The attempts of a provider that have had their answer.
struct Used<'a> {
    latchkey: &'a Latchkey,
    here: CookieProfile,
}

impl Used<'_> {
    fn cookie(&self, attempt: Attempt) -> HandlerResult<Cookie<'static>> {
        let name = Attempt::cookie_name(USED_COOKIE, &attempt.state);
        let sealed = attempt.seal(&self.latchkey.config.app_secret)?;
        Ok(self.here.cookie(&name, sealed, COOKIE_LIFETIME))
    }

    /// None that waits: a subdomain may have put it here, and it binds nothing to this browser.
    fn open(&self, headers: &HeaderMap, state: &str) -> Option<Attempt> {
        let sealed = self.here.value(headers, &Attempt::cookie_name(USED_COOKIE, state))?;
        let attempt = Attempt::open(sealed, state, &self.latchkey.config.app_secret)?;
        (attempt.progress != Progress::Waiting).then_some(attempt)
    }
}

/// The removal of what is too much there, with the one that is to come.
fn evict_oldest(of: &CookieProfile, prefix: &str, headers: &HeaderMap) -> Vec<Cookie<'static>> {
    // Browsers send older cookies first (RFC 6265 §5.4).
    let kept: Vec<_> = of.beginning_with(headers, prefix).collect();
    let too_many = (kept.len() + 1).saturating_sub(MAX_KEPT);
    kept.iter().take(too_many).map(|name| of.removal(name)).collect()
}

/// Somebody who has an account that is entered another way is asked to come
/// that way, and may then link this one: it waits for them in a cookie.
fn admission_error(
    latchkey: &Latchkey,
    error: accounts::Error,
    provider: &Provider,
    profile: Profile,
    context: &SignInContext,
) -> AppError {
    let accounts::Error::EmailTaken = error else { return error.into() };
    let since = latchkey.clock.now();
    let pending = PendingLink { provider: provider.slug.clone(), profile, since };
    let sealed = match pending.seal(&latchkey.config.app_secret) {
        Ok(sealed) => sealed,
        Err(error) => return error.into(),
    };
    context.response_cookies.add(vec![latchkey.cookies.cookie(
        PENDING_LINK,
        sealed,
        PENDING_LINK_TTL,
    )]);
    let label = format!("Sign in as before and link {}", provider.label);
    AppError::from(error).at(provider).link(label, "/sign-in?next=%2Faccount%2Flink")
}
