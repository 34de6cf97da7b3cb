//! What the application decides that sign-in is mounted in.

use std::future::Future;

use axum::response::{Html, IntoResponse, Redirect, Response};
use latchkey_auth::oauth::response::AuthorizationResponse;
use latchkey_auth::oauth::{Attempt, Provider};
use latchkey_domain::connection::ProviderScopes;
use latchkey_domain::{CredentialKind, Profile, ReturnTo, Roles, UserId};

use crate::caller::Caller;
use crate::cookies::ResponseCookies;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::password::SignUp;
use crate::sign_in::SignInContext;

/// A password form whose e-mail and password do not match.
#[derive(Debug)]
pub struct FailedSignIn {
    pub email: String,
    pub key: CredentialKind,
    pub next: ReturnTo,
}

/// A field's name, and what is wrong with it.
pub type FieldErrors = Vec<(&'static str, String)>;

/// A sign-up form in which something is wrong.
#[derive(Debug, Default)]
pub struct FailedSignUp {
    pub name: String,
    pub email: String,
    pub next: ReturnTo,
    pub errors: FieldErrors,
}

/// The response to an attempt to connect services
/// ([`latchkey_auth::oauth::Purpose::Connect`]).
#[derive(Debug)]
pub struct ConnectCallback {
    pub user: UserId,
    pub asked: ProviderScopes,
    pub attempt: Attempt,
    pub response: AuthorizationResponse,
}

/// What the application decides; implemented by its state. Each method has an
/// response that does for a start.
pub trait Host: Clone + Send + Sync + 'static {
    /// How an error looks. Programs get `application/problem+json` instead.
    fn error_page(&self, error: &AppError, request_id: &str) -> Response {
        let entry = error.entry;
        let (title, cause, next) = (error.title(), error.cause(), error.next());
        let [title, cause, next] = [title, cause, next].map(|text| escape(&text));
        let html = format!(
            "<!doctype html><title>{title}</title><h1>{title}</h1><p>{cause}</p><p>{next}</p>\
             <p><code>{}</code> · <code>{request_id}</code></p>",
            entry.code
        );
        (entry.status, Html(html)).into_response()
    }

    /// What the password form answers when e-mail and password do not match:
    /// the form once more, say ([`AppError::html`]).
    fn failed_sign_in(&self, _: &FailedSignIn) -> AppError {
        AppError::new(catalogue::WRONG_CREDENTIALS)
    }

    /// What the sign-up form answers when something is wrong in it.
    fn failed_sign_up(&self, form: FailedSignUp) -> AppError {
        let errors: Vec<_> = form.errors.into_iter().map(|(_, message)| message).collect();
        AppError::new(catalogue::VALIDATION_FAILED).detail(errors.join(" "))
    }

    /// Writes an e-mail, say: whoever signed up with an address that has an account
    /// sees the same as everybody else. Says where the browser goes next.
    fn signed_up(
        &self,
        _: SignUp,
        next: &ReturnTo,
    ) -> impl Future<Output = HandlerResult<String>> + Send {
        std::future::ready(Ok(next.to_string()))
    }

    /// Where the browser goes that has signed out.
    fn signed_out(&self, _: Option<&Caller>, _: &ResponseCookies) -> Redirect {
        Redirect::to("/")
    }

    /// What an account begins with that a provider vouches for.
    fn initial_roles(&self, _: &Provider, _: &Profile) -> Roles {
        Roles::default()
    }

    /// Takes what a provider grants beyond signing in. Says where the browser goes next.
    fn connect(
        &self,
        _: &SignInContext,
        _: &Provider,
        _: ConnectCallback,
    ) -> impl Future<Output = HandlerResult<String>> + Send {
        std::future::ready(Err(AppError::new(catalogue::NOT_FOUND)))
    }
}

/// Text as it stands in HTML, in a quoted attribute too.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
