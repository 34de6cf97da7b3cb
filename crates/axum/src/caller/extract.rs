//! Finding out who is calling.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use latchkey_auth::introspection::CallCounter;

use super::credential::Caller;
use super::{bearer, cookie};
use crate::errors::{Action, AppError, HandlerResult, catalogue};
use crate::refresh::BROWSER;
use crate::state::Latchkey;

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
        let browser = latchkey.config.product.client_id(BROWSER);
        cookie::authenticate(parts, latchkey, |claims| claims.client_id == browser).await
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

/// Whoever the browser's cookies name, as for a [`PageCaller`]: a program's token, which
/// may be for little, opens only what asks for a scope ([`ApiCaller`]).
impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Self> {
        let caller = PageCaller::authenticate(parts, &Latchkey::from_ref(state)).await?;
        caller.ok_or_else(|| PageCaller::unauthenticated(parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller
where
    Latchkey: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HandlerResult<Option<Self>> {
        PageCaller::authenticate(parts, &Latchkey::from_ref(state)).await
    }
}

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
