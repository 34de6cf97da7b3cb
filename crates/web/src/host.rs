//! What is the product's own about signing in.

use askama::Template as _;
use axum::extract::FromRef;
use axum::response::{IntoResponse as _, Response};
use latchkey_auth::oauth::Provider;
use latchkey_axum::Latchkey;
use latchkey_axum::host::{ConnectCallback, FailedSignIn, Host};
use latchkey_domain::identity::Profile;
use latchkey_domain::{Role, Roles};

use crate::app::App;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::layout::Layout;
use crate::pages::{connections, sign_in};
use crate::sign_in::SignInContext;
use crate::templates::{ErrorPage, Page};

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
        AppError::new(catalogue::WRONG_CREDENTIALS).html(page.render().ok())
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
