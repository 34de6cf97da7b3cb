//! Who is calling, with what, and what they may do.
//!
//! Handlers take a [`PageCaller`] or an [`ApiCaller`] and ask it for a scope or
//! a role. They never learn which credential it was: the session cookie, a JWT
//! in a cookie, a JWT as a bearer token, or another app's opaque token all yield
//! the same person.

mod bearer;
mod cookie;

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use latchkey_auth::introspection::{CallCounter, Delegation};
use latchkey_auth::tokens::AccessClaims;
use latchkey_domain::sign_in::{CredentialKind, SignIn, SignInMethod};
use latchkey_domain::{Role, Scope, Scopes, SignInId, Span, Timestamp, User};
use latchkey_store::sign_ins;

use crate::errors::{Action, AppError, HandlerResult, catalogue};
use crate::refresh::BROWSER;
use crate::state::Latchkey;

pub(crate) use cookie::{clear_token_cookies, set_token_cookies};

/// How long a proof is fresh enough for what cannot be undone.
const FRESH_FOR: Span = Span::minutes(10);

#[derive(Clone, Debug)]
pub struct Caller {
    pub user: User,
    pub credential: Credential,
}

#[derive(Clone, Debug)]
pub enum Credential {
    /// A server session, in a cookie.
    Session(Box<SignIn>),
    /// A JWT, in a cookie of our own.
    JwtCookie(Jwt),
    /// A JWT, in the `Authorization` header (RFC 6750 §2.1).
    JwtBearer(Jwt),
    /// Another app's opaque token, in the same header, about which its issuer
    /// was asked (RFC 7662). It opens the API and never a page.
    OAuthBearer(Arc<Delegation>),
}

#[derive(Clone, Debug)]
pub struct Jwt {
    pub claims: Arc<AccessClaims>,
    /// The whole of it, to be taken apart on the account page.
    pub token: String,
}

impl Caller {
    fn with_jwt(claims: Arc<AccessClaims>, token: String, wrap: fn(Jwt) -> Credential) -> Self {
        Self { user: claims.user(), credential: wrap(Jwt { claims, token }) }
    }

    /// Which key of ours they carry; an app's token is none.
    #[must_use]
    pub const fn key(&self) -> Option<CredentialKind> {
        match self.credential {
            Credential::Session(_) => Some(CredentialKind::Session),
            Credential::JwtCookie(_) | Credential::JwtBearer(_) => Some(CredentialKind::Jwt),
            Credential::OAuthBearer(_) => None,
        }
    }

    /// The sign-in that it comes from. Behind an app's token there is none here:
    /// its person may never have been signed in while the app calls.
    #[must_use]
    pub fn sign_in_id(&self) -> Option<SignInId> {
        match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.id),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => Some(jwt.claims.sid),
            Credential::OAuthBearer(_) => None,
        }
    }

    /// When they last proved who they are, which an app cannot do for them.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.authenticated_at),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                Some(Timestamp::from_seconds(jwt.claims.auth_time))
            }
            Credential::OAuthBearer(_) => None,
        }
    }

    /// The app that acts for them, by the name that its issuer gave it.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        match &self.credential {
            Credential::OAuthBearer(delegation) => {
                Some(delegation.client_id.as_deref().unwrap_or("unnamed"))
            }
            _ => None,
        }
    }

    /// How they came in, as far as what they carry says.
    #[must_use]
    pub fn door(&self) -> Option<SignInMethod> {
        match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.method.clone()),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                let password = SignInMethod::Password;
                jwt.claims.amr.iter().any(|amr| amr == password.amr()).then_some(password)
            }
            Credential::OAuthBearer(_) => None,
        }
    }

    /// What this key may do; a session may do what its person may.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        match &self.credential {
            Credential::Session(_) => Scopes::all(),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => jwt.claims.scope.clone(),
            Credential::OAuthBearer(delegation) => delegation.scopes.clone(),
        }
    }

    /// Whether this key may do that.
    ///
    /// # Errors
    /// 403 `insufficient_scope` with the scope's name (RFC 6750 §3.1).
    pub fn require_scope(&self, scope: Scope) -> HandlerResult<&Self> {
        if self.scopes().contains(scope) {
            return Ok(self);
        }
        Err(AppError::new(catalogue::INSUFFICIENT_SCOPE)
            .detail(format!("This requires the scope {scope}, which the token does not have."))
            .challenge(format!("error=\"insufficient_scope\", scope=\"{scope}\"")))
    }

    /// Whether they proved who they are so lately that they may do something
    /// that cannot be undone, and whether their sign-in is still alive: a JWT
    /// may outlive it, but not for this.
    ///
    /// # Errors
    /// 403 with the way to prove it again, or 401 when the sign-in has ended.
    pub async fn require_recent_auth(&self, latchkey: &Latchkey) -> HandlerResult<()> {
        self.require_active(latchkey).await?;
        let proved = self.authenticated_at();
        if proved.is_some_and(|at| latchkey.clock.now().since(at) <= FRESH_FOR) {
            return Ok(());
        }
        let again = Action::link("Sign in again", "/sign-in?again=1&next=%2Faccount");
        Err(AppError::new(catalogue::FRESH_PROOF_REQUIRED).action(again))
    }

    /// Whether the sign-in is still alive. A session was read a moment ago; a
    /// JWT says what was true when it was issued; an app has none.
    ///
    /// # Errors
    /// 401 when it has ended.
    pub async fn require_active(&self, latchkey: &Latchkey) -> HandlerResult<()> {
        let lives = match &self.credential {
            Credential::Session(_) => true,
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                sign_ins::by_id(&latchkey.db, jwt.claims.sid).await?.is_some()
            }
            Credential::OAuthBearer(_) => false,
        };
        if lives { Ok(()) } else { Err(AppError::new(catalogue::TOKEN_REVOKED)) }
    }

    /// Whether this person has that role, and acts themselves: a role is not
    /// handed on to an app, for no scope that the person agreed to stands for it.
    ///
    /// # Errors
    /// 403.
    pub fn require_role(&self, role: &Role) -> HandlerResult<&Self> {
        let detail = match (self.user.roles.contains(role), self.app()) {
            (true, None) => return Ok(self),
            (true, Some(_)) => {
                format!("This is for users with the role {role} themselves, not for their apps.")
            }
            (false, _) => {
                format!("This is for users with the role {role}, which you do not have.")
            }
        };
        Err(AppError::new(catalogue::ROLE_REQUIRED)
            .detail(detail)
            .challenge("error=\"insufficient_scope\""))
    }
}

/// Who is calling a page: whoever the browser's cookies name.
///
/// A program's token never counts here: it may be for little, and pages ask for
/// no scope. The `Authorization` header is ignored; a proxy in front of us may
/// ask for a password of its own.
#[derive(Clone, Debug)]
pub struct PageCaller(pub Caller);

impl PageCaller {
    pub(crate) async fn authenticate(
        parts: &Parts,
        latchkey: &Latchkey,
    ) -> HandlerResult<Option<Caller>> {
        cookie::authenticate(parts, latchkey, |claims| claims.client_id == BROWSER).await
    }

    fn unauthenticated(parts: &Parts) -> AppError {
        let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("next", next);
        let sign_in = Action::link("Sign in", format!("/sign-in?{}", query.finish()));
        AppError::new(catalogue::SIGN_IN_REQUIRED).action(sign_in)
    }
}

/// Who is calling the API: with a token in `Authorization`, which counts before
/// what a browser sends by itself, or with a cookie.
#[derive(Clone, Debug)]
pub struct ApiCaller(pub Caller);

impl ApiCaller {
    async fn authenticate(parts: &Parts, latchkey: &Latchkey) -> HandlerResult<Option<Caller>> {
        bearer::refuse_tokens_in_url(parts)?;
        let Some(token) = bearer::token(&parts.headers)? else {
            return cookie::authenticate(parts, latchkey, |_| true).await;
        };
        let calls = parts.extensions.get::<Arc<CallCounter>>().cloned().unwrap_or_default();
        bearer::authenticate(latchkey, token, &calls).await.map(Some)
    }

    /// RFC 6750 §3.1: nothing was sent, so no error code either.
    fn unauthenticated(_: &Parts) -> AppError {
        AppError::new(catalogue::TOKEN_MISSING).challenge("")
    }
}

macro_rules! extractor {
    ($caller:ident) => {
        impl Deref for $caller {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        }

        /// For what is only for people who are signed in.
        impl<S: Send + Sync> FromRequestParts<S> for $caller
        where
            Latchkey: FromRef<S>,
        {
            type Rejection = AppError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Self> {
                let caller = Self::authenticate(parts, &Latchkey::from_ref(state)).await?;
                caller.map(Self).ok_or_else(|| Self::unauthenticated(parts))
            }
        }
    };
}

extractor!(PageCaller);
extractor!(ApiCaller);

/// For a page that is for everybody, but greets whom it knows.
impl<S: Send + Sync> OptionalFromRequestParts<S> for PageCaller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Option<Self>> {
        Ok(Self::authenticate(parts, &Latchkey::from_ref(state)).await?.map(Self))
    }
}
