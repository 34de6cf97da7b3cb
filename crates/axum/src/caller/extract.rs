//! Finding out who is calling.

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
    /// Whoever the browser's cookies name.
    pub(crate) async fn of_browser(
        parts: &Parts,
        latchkey: &Latchkey,
    ) -> HandlerResult<Option<Self>> {
        let is_browsers =
            |claims: &AccessClaims| claims.client_id == latchkey.config.product.client_id(BROWSER);
        cookie::authenticate(parts, latchkey, is_browsers).await
    }
}

/// Who is calling a page, for what is only for people who are signed in: whoever
/// the browser's cookies name.
///
/// A program's token never counts here: it may be for little, and pages ask for
/// no scope ([`ApiCaller`] does). The `Authorization` header is ignored; a proxy
/// in front of us may ask for a password of its own.
impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Self> {
        let caller = Self::of_browser(parts, &Latchkey::from_ref(state)).await?;
        caller.ok_or_else(|| {
            let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let sign_in = Action::link("Sign in", sign_in_page(&[("next", next)]));
            AppError::new(catalogue::SIGN_IN_REQUIRED).action(sign_in)
        })
    }
}

/// For a page that is for everybody, but greets whom it knows.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Option<Self>> {
        Self::of_browser(parts, &Latchkey::from_ref(state)).await
    }
}

/// Who is calling the API: with a token in `Authorization`, which counts before
/// what a browser sends by itself, or with a cookie.
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
        // RFC 6750 §3.1: nothing was sent, so no error code either.
        let missing = || AppError::new(catalogue::TOKEN_MISSING).challenge("");
        caller.map(Self).ok_or_else(missing)
    }
}
