//! Signing up with an address and a password.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use latchkey_axum::{Caller, FailedSignUp};
use latchkey_domain::ReturnTo;

use super::sign_in::SignInQuery;
use crate::app::{App, Application};
use crate::layout::Layout;
use crate::page::Page;

#[derive(Debug, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    layout: Layout,
    form: FailedSignUp,
}

impl SignUpPage {
    /// The form once more when something is wrong in it, or as it begins.
    pub(crate) fn new(app: &Application, form: FailedSignUp) -> Self {
        Self { layout: Layout::new(app, None), form }
    }

    fn error(&self, field: &str) -> Option<&str> {
        let mut errors = self.form.errors.iter();
        errors.find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }
}

/// `GET /sign-up`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(query): Query<SignInQuery>,
) -> Response {
    let next = ReturnTo::parse(query.next.as_deref(), &app.settings.public_url);
    if caller.is_some() {
        return Redirect::to(next.as_str()).into_response();
    }
    Page(SignUpPage::new(&app, FailedSignUp { next, ..FailedSignUp::default() })).into_response()
}
