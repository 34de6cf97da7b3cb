//! How an application customizes sign-in.

use std::future::Future;

use axum::response::{Html, IntoResponse, Redirect, Response};
use latchkey_auth::oauth::response::AuthorizationResponse;
use latchkey_auth::oauth::{Attempt, Provider};
use latchkey_domain::connection::ProviderScopes;
use latchkey_domain::{CredentialKind, Email, Profile, ReturnTo, Roles, User, UserId};

use crate::caller::Caller;
use crate::cookies::ResponseCookies;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::sign_in::SignInContext;

/// A sign-in form with a wrong e-mail or password.
#[derive(Debug)]
pub struct FailedSignIn {
    pub email: String,
    pub credential: CredentialKind,
    pub next: ReturnTo,
}

/// Names of fields, with a message for each.
pub type FieldErrors = Vec<(&'static str, String)>;

/// A sign-up form with invalid fields.
#[derive(Debug, Default)]
pub struct FailedSignUp {
    pub name: String,
    pub email: String,
    pub next: ReturnTo,
    pub errors: FieldErrors,
}

#[derive(Debug)]
pub enum SignUpOutcome {
    Created(User),
    /// The address already has an account; nothing was created.
    EmailTaken(Email),
}

/// A provider's response, a grant or an error, to a user who wanted to connect services
/// ([`latchkey_auth::oauth::Purpose::Connect`]).
#[derive(Debug)]
pub struct ConnectCallback {
    pub user: UserId,
    pub requested: ProviderScopes,
    pub attempt: Attempt,
    pub response: AuthorizationResponse,
}

/// Customizes sign-in; implement it for the state of your application. Every method has a
/// default.
pub trait Host: Clone + Send + Sync + 'static {
    /// Renders an error page. The API returns `application/problem+json` instead.
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

    /// Called when the e-mail or the password is wrong. Use [`AppError::html`] to show the
    /// form again.
    fn failed_sign_in(&self, _: &FailedSignIn) -> AppError {
        AppError::new(catalogue::WRONG_CREDENTIALS)
    }

    /// Called when fields of the sign-up form are invalid.
    fn failed_sign_up(&self, form: FailedSignUp) -> AppError {
        let errors: Vec<_> = form.errors.into_iter().map(|(_, message)| message).collect();
        AppError::new(catalogue::VALIDATION_FAILED).detail(errors.join(" "))
    }

    /// Called after a sign-up, for example to send an e-mail. Returns where to redirect.
    /// The response must not reveal whether the address already had an account.
    fn signed_up(
        &self,
        _: SignUpOutcome,
        next: &ReturnTo,
    ) -> impl Future<Output = HandlerResult<String>> + Send {
        std::future::ready(Ok(next.to_string()))
    }

    /// Called after an identity was linked, for example to tell its user by e-mail.
    fn linked(&self, _: &User) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Where to redirect after sign-out.
    fn signed_out(&self, _: Option<&Caller>, _: &ResponseCookies) -> Redirect {
        Redirect::to("/")
    }

    /// Whether users can prove who they are with a code by e-mail.
    fn sends_codes(&self) -> bool {
        false
    }

    /// The roles of a new account that signs up with a provider.
    fn initial_roles(&self, _: &Provider, _: &Profile) -> Roles {
        Roles::default()
    }

    /// Handles a provider's response, a grant or an error, to a user who wanted to connect
    /// services. Returns where to redirect.
    fn connect(
        &self,
        _: &SignInContext,
        _: &Provider,
        _: ConnectCallback,
    ) -> impl Future<Output = HandlerResult<String>> + Send {
        std::future::ready(Err(AppError::new(catalogue::NOT_FOUND)))
    }
}

/// Escapes text for HTML, including quoted attributes.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
