//! The extractors for [`Caller`] and [`ApiCaller`].

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use latchkey_auth::introspection::CallCounter;
use latchkey_auth::tokens::AccessClaims;

use super::credential::Caller;
use super::{bearer, cookie};
use crate::errors::{Action, AppError, HandlerResult, catalogue, sign_in_page};
use crate::refresh::BROWSER;
use crate::state::Latchkey;

impl Caller {
    pub(crate) async fn from_cookies(
        parts: &Parts,
        latchkey: &Latchkey,
    ) -> HandlerResult<Option<Self>> {
        let is_for_browsers =
            |claims: &AccessClaims| claims.client_id == latchkey.config.product.client_id(BROWSER);
        cookie::authenticate(parts, latchkey, is_for_browsers).await
    }
}

/// For pages that require a sign-in. Authenticates by cookies only: API tokens may have narrow
/// scopes, and pages do not check scopes. `Authorization` is ignored, because a proxy may use
/// it for basic authentication.
impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Self> {
        let caller = Self::from_cookies(parts, &Latchkey::from_ref(state)).await?;
        caller.ok_or_else(|| {
            let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let sign_in = Action::link("Sign in", sign_in_page(&[("next", next)]));
            AppError::new(catalogue::SIGN_IN_REQUIRED).action(sign_in)
        })
    }
}

/// For pages that work with and without a sign-in.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Option<Self>> {
        Self::from_cookies(parts, &Latchkey::from_ref(state)).await
    }
}

/// For the API. Authenticates by the token in `Authorization`, or else by cookies.
#[derive(Clone, Debug)]
pub struct ApiCaller(pub Caller);

impl Deref for ApiCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ApiCaller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Self> {
        let latchkey = Latchkey::from_ref(state);
        bearer::refuse_tokens_in_url(parts)?;
        let caller = match bearer::token(&parts.headers)? {
            Some(token) => {
                let calls = parts.extensions.get::<Arc<CallCounter>>().cloned().unwrap_or_default();
                Some(bearer::authenticate(&latchkey, token, &calls).await?)
            }
            None => cookie::authenticate(parts, &latchkey, |_| true).await?,
        };
        // RFC 6750 §3.1: no error code, because no token was sent.
        caller.map(Self).ok_or_else(|| AppError::new(catalogue::TOKEN_MISSING).challenge(""))
    }
}
