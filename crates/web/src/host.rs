//! Implements the [`Host`] that `latchkey_axum` asks for pages, e-mails and roles.

use axum::extract::FromRef;
use latchkey_auth::oauth::Provider;
use latchkey_axum::{
    ConnectCallback, FailedSignIn, FailedSignUp, Host, Latchkey, Owner, SignUpOutcome, sign_in_page,
};
use latchkey_domain::{Profile, ReturnTo, Role, Roles, User};

use crate::pages::{connections, sign_in};
use crate::prelude::*;
use crate::recovery;

#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    layout: Layout,
    error: &'a AppError,
    request_id: &'a str,
}

impl FromRef<App> for Latchkey {
    fn from_ref(app: &App) -> Self {
        app.latchkey.clone()
    }
}

impl Host for App {
    fn error_page(&self, error: &AppError, request_id: &str) -> Response {
        let page = ErrorPage { layout: Layout::anonymous(self), error, request_id };
        (error.entry.status, Page(page)).into_response()
    }

    fn failed_sign_in(&self, form: &FailedSignIn) -> AppError {
        let page = sign_in::failed(self, form);
        with_page(AppError::new(catalogue::WRONG_CREDENTIALS), &page)
    }

    fn failed_sign_up(&self, form: FailedSignUp) -> AppError {
        let page = sign_in::SignUpPage::new(self, form);
        with_page(AppError::new(catalogue::VALIDATION_FAILED), &page)
    }

    async fn signed_up(&self, outcome: SignUpOutcome, next: &ReturnTo) -> HandlerResult<String> {
        match outcome {
            SignUpOutcome::Created(user) => recovery::send_verification(self, &user).await?,
            SignUpOutcome::EmailTaken(email) => recovery::send_account_exists(self, email).await,
        }
        Ok(sign_in_page(&[("welcome", "1"), ("next", next.as_str())]))
    }

    async fn linked(&self, user: &User) {
        recovery::send_linked(self, user).await;
    }

    fn signed_out(&self, caller: Option<&Caller>, cookies: &ResponseCookies) -> Redirect {
        let hints = Hints::new(self.cookies.clone(), cookies.clone());
        if let Some(method) = caller.and_then(Caller::sign_in_method) {
            hints.set(LAST_USED, &method.to_string());
        }
        hints.set(DONE, "signed-out");
        Redirect::to("/")
    }

    fn sends_codes(&self) -> bool {
        !self.mailer.is_disabled()
    }

    /// The local provider's administrator gets the role `admin` in development.
    /// Users of a real provider start without roles.
    fn initial_roles(&self, provider: &Provider, profile: &Profile) -> Roles {
        let is_admin = provider.local
            && profile.email_verified
            && profile.email.as_ref().is_some_and(|email| email.as_str().starts_with("admin@"));
        is_admin.then(Role::admin).into_iter().collect()
    }

    async fn connect(
        &self,
        context: &SignInContext,
        provider: &Provider,
        callback: ConnectCallback,
    ) -> HandlerResult<String> {
        connections::complete(self, provider, callback, context).await
    }
}
