//! What is the product's own about signing in.

use askama::Template;
use axum::extract::FromRef;
use axum::response::{IntoResponse as _, Redirect, Response};
use latchkey_auth::oauth::Provider;
use latchkey_axum::Latchkey;
use latchkey_axum::host::{ConnectCallback, FailedSignIn, FailedSignUp, Host};
use latchkey_axum::password::SignUp;
use latchkey_domain::identity::Profile;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::{Role, Roles};

use crate::app::App;
use crate::caller::Caller;
use crate::cookies::ResponseCookies;
use crate::errors::{Action, AppError, HandlerResult, Owner, catalogue};
use crate::hints::{DONE, Hints, LAST_USED};
use crate::layout::Layout;
use crate::page::{Page, shown_on};
use crate::pages::{connections, sign_in, sign_up};
use crate::sign_in::SignInContext;

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
        (error.entry().status, Page(page)).into_response()
    }

    fn failed_sign_in(&self, form: &FailedSignIn) -> AppError {
        let page = sign_in::failed(self, form);
        shown_on(AppError::new(catalogue::WRONG_CREDENTIALS), &page)
    }

    fn failed_sign_up(&self, form: FailedSignUp) -> AppError {
        let page = sign_up::failed(self, form);
        shown_on(AppError::new(catalogue::VALIDATION_FAILED), &page)
    }

    async fn signed_up(&self, outcome: SignUp, next: &ReturnTo) -> HandlerResult<String> {
        sign_up::signed_up(self, outcome, next).await
    }

    fn signed_out(&self, caller: Option<&Caller>, cookies: &ResponseCookies) -> Redirect {
        let hints = Hints::new(self.cookies.clone(), cookies.clone());
        if let Some(method) = caller.and_then(Caller::door) {
            hints.keep(LAST_USED, &method.to_string());
        }
        hints.keep(DONE, "signed-out");
        Redirect::to("/")
    }

    /// In development the local provider has an administrator among its people,
    /// who is one here too. A real provider never gives anybody a role.
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
