//! Who is calling, and with what.

use std::sync::Arc;

use latchkey_auth::introspection::Delegation;
use latchkey_auth::tokens::AccessClaims;
use latchkey_domain::{
    CredentialKind, Role, Scope, SignIn, SignInId, SignInMethod, Span, Timestamp, User,
};
use latchkey_store::sign_ins;

use crate::errors::{AppError, HandlerResult, catalogue, prove_again};
use crate::state::Latchkey;

/// How long a proof is fresh enough for what cannot be undone.
const FRESH_FOR: Span = Span::minutes(10);

#[derive(Clone, Debug)]
pub struct Caller {
    pub user: Arc<User>,
    pub credential: Credential,
}

#[derive(Clone, Debug)]
pub enum Credential {
    Session(Arc<SignIn>),
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
    pub(super) fn with_jwt(
        claims: Arc<AccessClaims>,
        token: String,
        wrap: fn(Jwt) -> Credential,
    ) -> Self {
        Self { user: Arc::new(claims.user()), credential: wrap(Jwt { claims, token }) }
    }

    /// Which key of ours they carry; an app's token is none.
    pub const fn key(&self) -> Option<CredentialKind> {
        match self.credential {
            Credential::Session(_) => Some(CredentialKind::Session),
            Credential::JwtCookie(_) | Credential::JwtBearer(_) => Some(CredentialKind::Jwt),
            Credential::OAuthBearer(_) => None,
        }
    }

    /// The sign-in that it comes from. Behind an app's token there is none here:
    /// its person may never have been signed in while the app calls.
    pub fn sign_in_id(&self) -> Option<SignInId> {
        match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.id),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => Some(jwt.claims.sid),
            Credential::OAuthBearer(_) => None,
        }
    }

    /// The app that acts for them, by the name that its issuer gave it.
    pub fn app(&self) -> Option<&str> {
        match &self.credential {
            Credential::OAuthBearer(delegation) => {
                Some(delegation.client_id.as_deref().unwrap_or("unnamed"))
            }
            _ => None,
        }
    }

    /// How they came in, as far as what they carry says.
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

    /// Whether this key may do that; a session may do what its person may.
    pub fn has_scope(&self, scope: Scope) -> bool {
        match &self.credential {
            Credential::Session(_) => true,
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                jwt.claims.scope.contains(scope)
            }
            Credential::OAuthBearer(delegation) => delegation.scopes.contains(scope),
        }
    }

    /// Else 403 `insufficient_scope` with the scope's name (RFC 6750 §3.1).
    pub fn require_scope(&self, scope: Scope) -> HandlerResult<&Self> {
        if self.has_scope(scope) {
            return Ok(self);
        }
        Err(AppError::new(catalogue::INSUFFICIENT_SCOPE)
            .detail(format!("This requires the scope {scope}, which the token does not have."))
            .challenge(format!("error=\"insufficient_scope\", scope=\"{scope}\"")))
    }

    /// Whether they proved who they are so lately that they may do something
    /// that cannot be undone, and whether their sign-in is still alive: a JWT
    /// may outlive it, but not for this. Else 403 with the way to prove it again, or 401
    /// when the sign-in has ended.
    pub async fn require_recent_auth(&self, latchkey: &Latchkey) -> HandlerResult<()> {
        let proved = self.require_active(latchkey).await?;
        if latchkey.clock.now().since(proved) <= FRESH_FOR {
            return Ok(());
        }
        Err(AppError::new(catalogue::FRESH_PROOF_REQUIRED).action(prove_again("/account")))
    }

    /// Whether the sign-in is still alive, and when its person last proved who they
    /// are. A session was read a moment ago; a JWT says what was true when it was
    /// issued; an app has none. Else 401.
    pub async fn require_active(&self, latchkey: &Latchkey) -> HandlerResult<Timestamp> {
        let proved = match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.authenticated_at),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                let found = sign_ins::by_id(&latchkey.db, jwt.claims.sid).await?;
                found.map(|sign_in| sign_in.authenticated_at)
            }
            Credential::OAuthBearer(_) => None,
        };
        proved.ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
    }

    /// Whether this person has that role, and acts themselves: a role is not
    /// handed on to an app, for no scope that the person agreed to stands for it. Else 403.
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
