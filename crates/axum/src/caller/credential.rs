//! The authenticated caller, its credential, and the checks on it.

use std::sync::Arc;

use latchkey_auth::introspection::Delegation;
use latchkey_auth::tokens::AccessClaims;
use latchkey_domain::{
    CredentialKind, Role, Scope, SignIn, SignInId, SignInMethod, Span, Timestamp, User,
};
use latchkey_store::sign_ins;

use crate::errors::{AppError, HandlerResult, catalogue, reauthenticate};
use crate::state::Latchkey;

/// How recent a sign-in must be for sensitive actions.
const RECENT: Span = Span::minutes(10);

#[derive(Clone, Debug)]
pub struct Caller {
    pub user: Arc<User>,
    pub credential: Credential,
}

#[derive(Clone, Debug)]
pub enum Credential {
    Session(Arc<SignIn>),
    JwtCookie(Jwt),
    /// A JWT in `Authorization` (RFC 6750 §2.1).
    JwtBearer(Jwt),
    /// An opaque token of another app in `Authorization`, introspected (RFC 7662). Only
    /// for the API, never for pages.
    OAuthBearer(Arc<Delegation>),
}

#[derive(Clone, Debug)]
pub struct Jwt {
    pub claims: Arc<AccessClaims>,
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

    /// `None` for another app's token.
    pub const fn credential_kind(&self) -> Option<CredentialKind> {
        match self.credential {
            Credential::Session(_) => Some(CredentialKind::Session),
            Credential::JwtCookie(_) | Credential::JwtBearer(_) => Some(CredentialKind::Jwt),
            Credential::OAuthBearer(_) => None,
        }
    }

    /// `None` for another app's token: its user need not be signed in.
    pub fn sign_in_id(&self) -> Option<SignInId> {
        match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.id),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => Some(jwt.claims.sid),
            Credential::OAuthBearer(_) => None,
        }
    }

    /// The client ID of the app that calls on behalf of the user.
    pub fn app(&self) -> Option<&str> {
        match &self.credential {
            Credential::OAuthBearer(delegation) => {
                Some(delegation.client_id.as_deref().unwrap_or("unnamed"))
            }
            _ => None,
        }
    }

    /// `None` if the credential does not say. (A JWT names only passwords, in `amr`.)
    pub fn sign_in_method(&self) -> Option<SignInMethod> {
        match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.method.clone()),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                let password = SignInMethod::Password;
                jwt.claims.amr.iter().any(|amr| amr == password.amr()).then_some(password)
            }
            Credential::OAuthBearer(_) => None,
        }
    }

    /// A session has every scope.
    pub fn has_scope(&self, scope: Scope) -> bool {
        match &self.credential {
            Credential::Session(_) => true,
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                jwt.claims.scope.contains(scope)
            }
            Credential::OAuthBearer(delegation) => delegation.scopes.contains(scope),
        }
    }

    /// Returns 403 `insufficient_scope` without the scope (RFC 6750 §3.1).
    pub fn require_scope(&self, scope: Scope) -> HandlerResult<&Self> {
        if self.has_scope(scope) {
            return Ok(self);
        }
        Err(AppError::new(catalogue::INSUFFICIENT_SCOPE)
            .detail(format!("This requires the scope {scope}, which the token does not have."))
            .challenge(format!("error=\"insufficient_scope\", scope=\"{scope}\"")))
    }

    /// For sensitive actions. Returns 403 with a link to reauthenticate if the user signed in
    /// too long ago, and 401 if the sign-in was revoked.
    pub async fn require_recent_auth(&self, latchkey: &Latchkey) -> HandlerResult<()> {
        let authenticated_at = self.require_active(latchkey).await?;
        if latchkey.clock.now().since(authenticated_at) <= RECENT {
            return Ok(());
        }
        Err(AppError::new(catalogue::FRESH_PROOF_REQUIRED).action(reauthenticate("/account")))
    }

    /// Returns when the user last authenticated, or 401 if the sign-in was revoked. Reads the
    /// database for a JWT, which may outlive its sign-in. Always 401 for another app's token.
    pub async fn require_active(&self, latchkey: &Latchkey) -> HandlerResult<Timestamp> {
        let authenticated_at = match &self.credential {
            Credential::Session(sign_in) => Some(sign_in.authenticated_at),
            Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => {
                let found = sign_ins::by_id(&latchkey.db, jwt.claims.sid).await?;
                found.map(|sign_in| sign_in.authenticated_at)
            }
            Credential::OAuthBearer(_) => None,
        };
        authenticated_at.ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
    }

    /// Returns 403 without the role. Apps never have a role: no scope that a user consents to
    /// includes it.
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
