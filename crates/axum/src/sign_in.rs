//! Completes and ends sign-ins, for every sign-in method and every kind of credential.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use latchkey_auth::{random, session};
use latchkey_domain::audit::Kind;
use latchkey_domain::{
    CredentialKind, Scopes, SignIn, SignInId, SignInMethod, Timestamp, User, UserId,
};
use latchkey_store::{Sessions, sign_ins};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Session, SessionManagerLayer};

use crate::audit;
use crate::caller::{Caller, clear_token_cookies, set_token_cookies};
use crate::client::Client;
use crate::cookies::{REFRESH, ResponseCookies, SESSION};
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::refresh::BROWSER;
use crate::state::Latchkey;

/// A successful sign-in. It is an extension of the response, for layers around the routes.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub id: SignInId,
    pub user: UserId,
    pub method: SignInMethod,
    pub credential: CredentialKind,
}

/// The browser that signs in or out: its current credentials, and the cookies to set.
#[derive(Clone, Debug)]
pub struct SignInContext {
    session: Session,
    pub response_cookies: ResponseCookies,
    pub current: Option<Caller>,
    /// May belong to another sign-in than the session cookie.
    refresh_token: Option<String>,
    pub client: Client,
}

impl<S: Send + Sync> FromRequestParts<S> for SignInContext
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Self> {
        let latchkey = Latchkey::from_ref(state);
        // The route lacks [`session_layer`].
        let internal = |_| AppError::new(catalogue::INTERNAL_ERROR);
        Ok(Self {
            refresh_token: latchkey.cookies.value(&parts.headers, REFRESH).map(str::to_owned),
            current: Caller::from_cookies(parts, &latchkey).await?,
            session: Session::from_request_parts(parts, state).await.map_err(internal)?,
            response_cookies: parts.extensions.get().cloned().unwrap_or_default(),
            client: Client::from_parts(parts, &latchkey.config.trusted_proxies),
        })
    }
}

/// Only for routes that begin or end a sign-in: extractors read sessions without it.
pub fn session_layer(latchkey: &Latchkey) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(latchkey.sessions.clone())
        .with_name(latchkey.cookies.name(SESSION))
        .with_secure(latchkey.cookies.is_secure())
        // Not `Strict`, the default: the callback from a provider is a cross-site request.
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_path("/")
}

/// Gives the browser a new credential, and revokes its previous ones on the server
/// (prevents session fixation).
pub async fn complete_sign_in(
    latchkey: &Latchkey,
    context: SignInContext,
    user: &User,
    proof: Proof,
    mut credential: CredentialKind,
) -> HandlerResult<SignedIn> {
    let SignInContext { session, response_cookies, client, .. } = &context;
    let mut sign_in = new_sign_in(latchkey, user.id, proof.clone(), credential, client);
    if credential == CredentialKind::Jwt {
        let browser = latchkey.config.product.client_id(BROWSER);
        let pair = latchkey.issuer.issue(user, &sign_in, Scopes::all(), &browser).await?;
        match set_token_cookies(latchkey, &pair) {
            Some(cookies) => {
                destroy_session(latchkey, &context).await?;
                response_cookies.add(cookies);
            }
            // A JWT with this many roles does not fit into a cookie.
            None => {
                end_sign_in(latchkey, sign_in.id, user.id).await?;
                credential = CredentialKind::Session;
                sign_in = new_sign_in(latchkey, user.id, proof, credential, client);
            }
        }
    }
    if credential == CredentialKind::Session {
        session::create(session, &sign_in).await?;
        response_cookies.add(clear_token_cookies(latchkey));
    }
    revoke_previous_credentials(latchkey, &context).await?;
    latchkey.metrics.record_sign_in(&sign_in.method.to_string(), credential.as_str(), "ok");
    let how = format!("{}, {}", sign_in.method, credential.as_str());
    audit::record_by_user(latchkey, Kind::SignedIn, user.id, how, client).await;
    Ok(SignedIn { id: sign_in.id, user: user.id, method: sign_in.method, credential })
}

/// How and when a user last proved who they are.
#[derive(Clone, Debug)]
pub struct Proof {
    method: SignInMethod,
    at: Timestamp,
}

impl Proof {
    pub fn password(now: Timestamp) -> Self {
        Self { method: SignInMethod::Password, at: now }
    }

    /// Without `auth_time` the provider may have let anyone at this browser through, so the
    /// proof is only as recent as the account.
    pub fn provider(slug: &str, auth_time: Option<Timestamp>, account: &User) -> Self {
        let at = auth_time.map_or(account.created_at, |at| at.max(account.created_at));
        Self { method: SignInMethod::OAuth(slug.to_owned()), at }
    }
}

pub(crate) fn new_sign_in(
    latchkey: &Latchkey,
    user_id: UserId,
    proof: Proof,
    credential: CredentialKind,
    client: &Client,
) -> SignIn {
    let now = latchkey.clock.now();
    let lifetime = match credential {
        CredentialKind::Session => latchkey.config.session.absolute,
        CredentialKind::Jwt => latchkey.config.jwt.refresh_ttl,
    };
    SignIn {
        id: SignInId::new(now, random::bytes()),
        user_id,
        credential,
        method: proof.method,
        user_agent: client.user_agent.clone(),
        address: client.display_address(),
        created_at: now,
        authenticated_at: proof.at,
        last_seen_at: now,
        expires_at: now.plus(lifetime),
    }
}

/// Signs the browser out, and revokes the sign-in on the server. A copied JWT works until it
/// expires, unless `JWT_REVOCATION=watch`. Returns an error if it could not be revoked.
pub async fn sign_out(latchkey: &Latchkey, context: SignInContext) -> HandlerResult<()> {
    if let Some(caller) = &context.current {
        let user = caller.user.id;
        audit::record_by_user(latchkey, Kind::SignInEnded, user, "signed out", &context.client)
            .await;
    }
    revoke_previous_credentials(latchkey, &context).await?;
    destroy_session(latchkey, &context).await?;
    context.response_cookies.add(clear_token_cookies(latchkey));
    Ok(())
}

/// Deletes the browser's cookies, after the server has revoked its sign-in.
pub fn clear_credentials(latchkey: &Latchkey, context: &SignInContext) {
    let mut cookies = clear_token_cookies(latchkey);
    if context.session.id().is_some() {
        cookies.push(latchkey.cookies.removal(SESSION));
    }
    context.response_cookies.add(cookies);
}

async fn destroy_session(latchkey: &Latchkey, context: &SignInContext) -> HandlerResult<()> {
    if context.session.id().is_some() {
        session::destroy(&context.session).await?;
        context.response_cookies.add(vec![latchkey.cookies.removal(SESSION)]);
    }
    Ok(())
}

/// Revokes every sign-in of the browser: it may have both a session and a JWT, from two tabs.
async fn revoke_previous_credentials(
    latchkey: &Latchkey,
    context: &SignInContext,
) -> HandlerResult<()> {
    if let Some(caller) = &context.current
        && let Some(id) = caller.sign_in_id()
    {
        end_sign_in(latchkey, id, caller.user.id).await?;
    }
    if let Some(token) = &context.refresh_token
        && let Some((id, user)) = latchkey.issuer.find_sign_in(token, latchkey.clock.now()).await?
    {
        end_sign_in(latchkey, id, user).await?;
    }
    Ok(())
}

/// Ends a sign-in whose proof became invalid while it was stored, and keeps its tokens from the
/// browser.
pub(crate) async fn undo_sign_in(
    latchkey: &Latchkey,
    cookies: &ResponseCookies,
    signed_in: &SignedIn,
) -> HandlerResult<()> {
    cookies.add(clear_token_cookies(latchkey));
    end_sign_in(latchkey, signed_in.id, signed_in.user).await.map(drop)
}

/// Revokes a sign-in of this user. Returns whether it was active.
pub async fn end_sign_in(
    latchkey: &Latchkey,
    sign_in: SignInId,
    user: UserId,
) -> HandlerResult<bool> {
    let now = latchkey.clock.now();
    let ended = sign_ins::end(&latchkey.db, sign_in, user, now).await?;
    if ended {
        latchkey.mark_revoked(sign_in);
    }
    Ok(ended)
}

/// The form field `strategy`: which credential the browser gets.
pub(crate) fn parse_strategy(
    text: Option<&str>,
    default: CredentialKind,
) -> HandlerResult<CredentialKind> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            AppError::new(catalogue::BAD_REQUEST)
                .detail("The field strategy must be session or jwt.")
        }),
    }
}
