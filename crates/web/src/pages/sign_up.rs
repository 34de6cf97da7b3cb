//! Signing up with an address and a password.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use latchkey_axum::host::FailedSignUp;
use latchkey_axum::password::SignUp;
use latchkey_domain::return_to::ReturnTo;
use url::form_urlencoded;

use super::sign_in::SignInQuery;
use crate::app::{App, Application};
use crate::caller::PageCaller;
use crate::errors::HandlerResult;
use crate::layout::Layout;
use crate::page::Page;
use crate::recovery;

#[derive(Debug, Default, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    layout: Layout,
    next: String,
    name: String,
    email: String,
    errors: Vec<(&'static str, String)>,
}

impl SignUpPage {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }
}

/// `GET /sign-up`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<PageCaller>,
    Query(query): Query<SignInQuery>,
) -> Response {
    let next = ReturnTo::parse(query.next.as_deref(), &app.settings.public_url);
    if caller.is_some() {
        return Redirect::to(next.as_str()).into_response();
    }
    let layout = Layout::new(&app, None);
    Page(SignUpPage { layout, next: next.to_string(), ..SignUpPage::default() }).into_response()
}

/// `POST /sign-up`, when something is wrong in the form.
pub(crate) fn failed(app: &Application, form: FailedSignUp) -> SignUpPage {
    let FailedSignUp { name, email, next, errors } = form;
    SignUpPage { layout: Layout::new(app, None), next: next.to_string(), name, email, errors }
}

/// Writes to whoever signed up. Says where the browser goes: to sign in.
pub(crate) async fn signed_up(
    app: &App,
    outcome: SignUp,
    next: &ReturnTo,
) -> HandlerResult<String> {
    match outcome {
        SignUp::Created(user) => recovery::send_verification(app, &user).await?,
        SignUp::AlreadyThere(email) => recovery::send_already_there(app, email).await,
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("welcome", "1").append_pair("next", next.as_str());
    Ok(format!("/sign-in?{}", query.finish()))
}
