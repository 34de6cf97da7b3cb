//! Completing a sign-in, whichever way the person proved who they are and
//! whichever credential they want; and ending one.

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

/// A sign-in that has succeeded. Its response carries it as an extension, for
/// whatever is layered around the product.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub id: SignInId,
    pub user: UserId,
    pub method: SignInMethod,
    pub credential: CredentialKind,
}

/// The browser that signs in or out: what it carries, and what it is sent.
#[derive(Clone, Debug)]
pub struct SignInContext {
    session: Session,
    pub response_cookies: ResponseCookies,
    pub current: Option<Caller>,
    /// The refresh token that came along: it may belong to another sign-in
    /// than the session beside it.
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
        let internal = |_| AppError::new(catalogue::INTERNAL);
        Ok(Self {
            refresh_token: latchkey.cookies.value(&parts.headers, REFRESH).map(str::to_owned),
            current: Caller::of_browser(parts, &latchkey).await?,
            session: Session::from_request_parts(parts, state).await.map_err(internal)?,
            response_cookies: parts.extensions.get().cloned().unwrap_or_default(),
            client: Client::of(parts, &latchkey.config.trusted_proxies),
        })
    }
}

/// For the routes that begin or end a sign-in, and no others: reading a session
/// takes no layer.
pub fn session_layer(latchkey: &Latchkey) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(latchkey.sessions.clone())
        .with_name(latchkey.cookies.name(SESSION))
        .with_secure(latchkey.cookies.is_secure())
        // Not `Strict`, its default: coming back from a provider is a request
        // from another site.
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_path("/")
}

/// Gives the browser the credential that it is to carry. Revokes what it carried
/// before, on the server too (session fixation).
pub async fn complete_sign_in(
    latchkey: &Latchkey,
    context: SignInContext,
    user: &User,
    proof: Proof,
    key: CredentialKind,
) -> HandlerResult<SignedIn> {
    let SignInContext { session, response_cookies, client, .. } = &context;
    let mut key = key;
    let mut sign_in = new_sign_in(latchkey, user.id, proof.clone(), key, client);
    if key == CredentialKind::Jwt {
        let browser = latchkey.config.product.client_id(BROWSER);
        let pair = latchkey.issuer.issue(user, &sign_in, Scopes::all(), &browser).await?;
        match set_token_cookies(latchkey, &pair) {
            Some(cookies) => {
                destroy_session(latchkey, &context).await?;
                response_cookies.add(cookies);
            }
            // No browser would keep it: whoever has so many roles gets a session.
            None => {
                end_sign_in(latchkey, sign_in.id, user.id).await?;
                key = CredentialKind::Session;
                sign_in = new_sign_in(latchkey, user.id, proof, key, client);
            }
        }
    }
    if key == CredentialKind::Session {
        session::create(session, &sign_in).await?;
        response_cookies.add(clear_token_cookies(latchkey));
    }
    revoke_previous_credentials(latchkey, &context).await?;
    latchkey.metrics.sign_in(&sign_in.method.to_string(), key.as_str(), "ok");
    let how = format!("{}, {}", sign_in.method, key.as_str());
    audit::by_person(latchkey, Kind::SignedIn, user.id, how, client).await;
    Ok(SignedIn { id: sign_in.id, user: user.id, method: sign_in.method, credential: key })
}

/// How somebody proved who they are, and when.
#[derive(Clone, Debug)]
pub struct Proof {
    method: SignInMethod,
    at: Timestamp,
}

impl Proof {
    pub fn password(now: Timestamp) -> Self {
        Self { method: SignInMethod::Password, at: now }
    }

    /// A provider's word. One that does not say when it last asked may have let
    /// through whoever sits at the browser: then all that is known is that there
    /// is an account, which nobody could take over before it was made.
    pub fn provider(slug: &str, auth_time: Option<Timestamp>, account: &User) -> Self {
        let at = auth_time.map_or(account.created_at, |at| at.max(account.created_at));
        Self { method: SignInMethod::OAuth(slug.to_owned()), at }
    }
}

/// A new sign-in, as it is written down.
pub(crate) fn new_sign_in(
    latchkey: &Latchkey,
    user_id: UserId,
    proof: Proof,
    key: CredentialKind,
    client: &Client,
) -> SignIn {
    let now = latchkey.clock.now();
    let lives = match key {
        CredentialKind::Session => latchkey.config.session.absolute,
        CredentialKind::Jwt => latchkey.config.jwt.refresh_ttl,
    };
    SignIn {
        id: SignInId::new(now, random::bytes()),
        user_id,
        credential: key,
        method: proof.method,
        user_agent: client.user_agent.clone(),
        address: client.shown_address(),
        created_at: now,
        authenticated_at: proof.at,
        last_seen_at: now,
        expires_at: now.plus(lives),
    }
}

/// Signs the browser out. The sign-in ends on the server; a JWT that somebody
/// copied lives on until it expires, unless `JWT_REVOCATION=watch`.
/// When the database fails, the sign-in lives on, and nobody is told otherwise.
pub async fn sign_out(latchkey: &Latchkey, context: SignInContext) -> HandlerResult<()> {
    if let Some(caller) = &context.current {
        let user = caller.user.id;
        audit::by_person(latchkey, Kind::SignInEnded, user, "signed out", &context.client).await;
    }
    revoke_previous_credentials(latchkey, &context).await?;
    destroy_session(latchkey, &context).await?;
    context.response_cookies.add(clear_token_cookies(latchkey));
    Ok(())
}

/// Takes away what the browser carries, where the server has forgotten it already.
pub fn forget_credentials(latchkey: &Latchkey, context: &SignInContext) {
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

/// Ends every sign-in that the browser came with: there may be a session and a
/// JWT beside each other, from two tabs.
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

/// Ends a sign-in of that person. Says whether it lived.
pub async fn end_sign_in(
    latchkey: &Latchkey,
    sign_in: SignInId,
    user: UserId,
) -> HandlerResult<bool> {
    let now = latchkey.clock.now();
    let ended = sign_ins::end(&latchkey.db, sign_in, user, now).await?;
    if ended {
        latchkey.note_ended(sign_in);
    }
    Ok(ended)
}

/// What a form wants its browser to carry.
pub fn parse_strategy(
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
