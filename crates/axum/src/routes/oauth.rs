//! Sign-in with OAuth: the redirect to the provider, and the callback.

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
use latchkey_domain::{Profile, ReturnTo, SignInMethod, User};
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
use crate::sign_in::{Proof, SignInContext, complete_sign_in, parse_strategy, undo_sign_in};
use crate::state::Latchkey;

/// Cookies of pending attempts per browser, and of used ones per provider. More would make the
/// browser's requests too large.
const MAX_COOKIES: usize = 6;

#[derive(Debug, Deserialize)]
pub(super) struct StartForm {
    strategy: Option<String>,
    next: Option<String>,
    /// Set to reauthenticate a user who is signed in.
    again: Option<String>,
}

/// `POST /auth/{provider}`. Not GET: a link or an image on another site must not start a
/// sign-in.
pub(super) async fn start(
    State(latchkey): State<Latchkey>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<StartForm>,
) -> HandlerResult<Response> {
    let method = SignInMethod::OAuth(slug.clone());
    let default = latchkey.config.default_credential(&method);
    let credential = parse_strategy(form.strategy.as_deref(), default)?;
    let return_to = ReturnTo::parse(form.next.as_deref(), &latchkey.config.public_url);
    let can_reauthenticate = find_provider(&latchkey, &slug)?.can_reauthenticate();
    let purpose = if can_reauthenticate && form.again.is_some_and(|again| !again.is_empty()) {
        Purpose::Reauthenticate(credential)
    } else {
        Purpose::SignIn(credential)
    };
    redirect_to_provider(&latchkey, &slug, purpose, return_to, &headers).await
}

/// Redirects to a provider (RFC 6749 §4.1.1) and stores the attempt in a cookie.
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

/// `GET /auth/{provider}/callback`: the authorization response (RFC 6749 §4.1.2).
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

    // The state must belong to an attempt of this browser (RFC 6749 §10.12, RFC 9700 §4.7).
    let state = response.state.as_deref().unwrap_or_default();
    let cookies = latchkey.cookies.with_path(format!("/auth/{slug}/callback"));
    let used = UsedAttempts { latchkey: &latchkey, cookies };
    let open = |sealed| Attempt::open(sealed, state, &latchkey.config.app_secret);
    let pending = latchkey.cookies.value(&headers, &Attempt::cookie_name(PENDING_COOKIE, state));
    let attempt = pending.and_then(open).or_else(|| used.open(&headers, state));
    if let Some(return_to) = attempt.as_ref().and_then(|attempt| completed(attempt, &context)) {
        return Ok(Redirect::to(return_to.as_str()).into_response());
    }
    // Each attempt costs a call to the provider.
    latchkey.limits.check(&context.client)?;
    let attempt = claim(&latchkey, attempt, &slug, state, &context.client)
        .await?
        .map_err(|error| AppError::from_attempt(error, provider, context.current.is_some()))?;

    // The attempt is used now, whatever happens next: a cookie for this path records that.
    let mut cookies = evict_oldest(&used.cookies, USED_COOKIE, &headers);
    cookies.push(latchkey.cookies.removal(&Attempt::cookie_name(PENDING_COOKIE, state)));
    cookies.push(used.cookie(attempt.clone().finish(Progress::Finished))?);
    let response_cookies = context.response_cookies.clone();
    response_cookies.add(cookies);

    let mut finished = attempt.clone();
    let current = context.current.as_ref().and_then(Caller::sign_in_id);
    let (sign_in_id, signed_in) = match attempt.purpose {
        Purpose::SignIn(credential) | Purpose::Reauthenticate(credential) => {
            // The token request, the ID token, the profile.
            let Authenticated { profile, auth_time } =
                authenticate(&latchkey, provider, &attempt, response, &context).await?;
            // The account, which may be new.
            let roles = host.initial_roles(provider, &profile);
            let (db, clock) = (&latchkey.db, &latchkey.clock);
            let samples = |user, now| latchkey.config.samples(user, now);
            let slug = &provider.slug;
            let account = accounts::find_or_create(db, clock, slug, &profile, roles, samples).await;
            let account = match account {
                Ok(account) => account,
                Err(error) => {
                    return Err(admission_error(&latchkey, error, provider, profile, &context));
                }
            };
            let user = account.user;
            if account.created {
                let (slug, client) = (&*provider.slug, &context.client);
                audit::record_by_user(&latchkey, Kind::SignedUp, user.id, slug, client).await;
            }
            // The session, or the tokens.
            let auth_time = match can_prove_identity(&latchkey, &host, &user).await? {
                true => auth_time,
                false => Some(latchkey.clock.now()),
            };
            let proof = Proof::provider(&provider.slug, auth_time, &user);
            let signed_in = complete_sign_in(&latchkey, context, &user, proof, credential).await?;
            // A reset of the password may have removed the identity in the meantime.
            let owner = identities::find_user(db, slug, &profile).await?;
            if owner.is_none_or(|owner| owner.id != user.id) {
                undo_sign_in(&latchkey, &response_cookies, &signed_in).await?;
                let label = &provider.label;
                return Err(AppError::new(catalogue::ATTEMPT_EXPIRED)
                    .for_provider(provider)
                    .detail(format!("{label} was unlinked from your account in the meantime.")));
            }
            (Some(signed_in.id), Some(Extension(signed_in)))
        }
        Purpose::Link(user) => {
            let Authenticated { profile, .. } =
                authenticate(&latchkey, provider, &attempt, response, &context).await?;
            // Another user may have signed in since.
            let caller = context.current.as_ref().filter(|caller| caller.user.id == user);
            let caller = caller.ok_or_else(|| {
                AppError::new(catalogue::LINK_LOST).link("Go to your account", "/account")
            })?;
            link_identity(&host, caller, &provider.slug, &profile, &context.client).await?;
            (current, None)
        }
        Purpose::Connect { user, ref scopes } => {
            let requested = ProviderScopes::parse(scopes);
            let callback = ConnectCallback { user, requested, attempt, response };
            let next = host.connect(&context, provider, callback).await?;
            finished.return_to = ReturnTo::parse(Some(&next), &latchkey.config.public_url);
            (current, None)
        }
    };
    let redirect = Redirect::to(finished.return_to.as_str());
    if let Some(id) = sign_in_id {
        response_cookies.add(vec![used.cookie(finished.finish(Progress::Succeeded(id)))?]);
    }
    Ok((signed_in, redirect).into_response())
}

/// `POST /auth/{provider}/callback`: the response with `response_mode=form_post`. As a
/// cross-site POST it has no cookies, so it redirects to the GET, which has them and does all
/// the checks.
pub(super) async fn form_callback(
    State(latchkey): State<Latchkey>,
    Path(slug): Path<String>,
    body: Bytes,
) -> HandlerResult<Redirect> {
    let provider = find_provider(&latchkey, &slug)?;
    if !provider.uses_form_post() {
        return Err(AppError::new(catalogue::FORM_POST_UNEXPECTED)
            .for_provider(provider)
            .link("Sign in again", "/sign-in"));
    }
    let response = AuthorizationResponse::to_query(&body);
    Ok(Redirect::to(&format!("/auth/{slug}/callback?{response}")))
}

/// The user at the provider. Records failures.
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
            latchkey.metrics.record_sign_in(&method, "", error.entry.code);
            let how = format!("{}: {}", provider.slug, error.entry.code);
            let client = Some(&context.client);
            audit::record(latchkey, Kind::SignInFailed, None, Actor::Unknown, how, client).await;
            Err(error)
        }
    }
}

/// Links an identity, so that the user can sign in with it. Returns 401 if the sign-in was
/// revoked.
pub async fn link_identity<S: Host>(
    host: &S,
    caller: &Caller,
    provider: &str,
    profile: &Profile,
    client: &Client,
) -> HandlerResult<()>
where
    Latchkey: FromRef<S>,
{
    let latchkey = &Latchkey::from_ref(host);
    caller.require_active(latchkey).await?;
    let sign_in = caller.sign_in_id().ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))?;
    let (user, now) = (caller.user.id, latchkey.clock.now());
    if accounts::link(&latchkey.db, user, sign_in, provider, profile, now).await? {
        audit::record_by_user(latchkey, Kind::Linked, user, provider, client).await;
        host.linked(&caller.user).await;
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

/// Where to redirect if this attempt already succeeded for the current sign-in: after a reload
/// or a prefetch, an error page would be wrong.
fn completed<'a>(attempt: &'a Attempt, context: &SignInContext) -> Option<&'a ReturnTo> {
    let current = context.current.as_ref()?.sign_in_id()?;
    (attempt.progress == Progress::Succeeded(current)).then_some(&attempt.return_to)
}

/// Checks that the response belongs to an attempt of this browser and is the first one.
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

/// Whether the user can reauthenticate: with a code by e-mail, a password, or a provider that
/// sends `auth_time`. Other users must not be locked out of sensitive actions.
pub async fn can_prove_identity(
    latchkey: &Latchkey,
    host: &impl Host,
    user: &User,
) -> HandlerResult<bool> {
    if user.email_verified && host.sends_codes() {
        return Ok(true);
    }
    let methods = latchkey_store::accounts::sign_in_methods(&latchkey.db, user.id).await?;
    Ok(methods.iter().any(|method| match method {
        SignInMethod::Password => true,
        SignInMethod::OAuth(slug) => {
            latchkey.provider(slug).is_some_and(Provider::can_reauthenticate)
        }
    }))
}

/// The cookies of used attempts, for the callback path of a provider.
struct UsedAttempts<'a> {
    latchkey: &'a Latchkey,
    cookies: CookieProfile,
}

impl UsedAttempts<'_> {
    fn cookie(&self, attempt: Attempt) -> HandlerResult<Cookie<'static>> {
        let name = Attempt::cookie_name(USED_COOKIE, &attempt.state);
        let sealed = attempt.seal(&self.latchkey.config.app_secret)?;
        Ok(self.cookies.cookie(&name, sealed, COOKIE_LIFETIME))
    }

    /// Rejects pending attempts: these cookies have no `__Host-`, so a subdomain could have
    /// set one.
    fn open(&self, headers: &HeaderMap, state: &str) -> Option<Attempt> {
        let sealed = self.cookies.value(headers, &Attempt::cookie_name(USED_COOKIE, state))?;
        let attempt = Attempt::open(sealed, state, &self.latchkey.config.app_secret)?;
        (attempt.progress != Progress::Waiting).then_some(attempt)
    }
}

/// Removes the oldest cookies, to make room for one more.
fn evict_oldest(
    profile: &CookieProfile,
    prefix: &str,
    headers: &HeaderMap,
) -> Vec<Cookie<'static>> {
    // Browsers send older cookies first (RFC 6265 §5.4).
    let names: Vec<_> = profile.names_starting_with(headers, prefix).collect();
    let excess = (names.len() + 1).saturating_sub(MAX_COOKIES);
    names.iter().take(excess).map(|name| profile.removal(name)).collect()
}

/// If the address already has an account, the user can sign in as before and then link this
/// identity, which a cookie keeps until then.
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
    AppError::from(error).for_provider(provider).link(label, "/sign-in?next=%2Faccount%2Flink")
}
