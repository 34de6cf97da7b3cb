//! Signing up with an address and a password.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use latchkey_axum::password::{self, SignUp};
use latchkey_domain::password::{Password, check};
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::{DisplayName, Email};
use serde::Deserialize;

use super::sign_in::SignInQuery;
use crate::app::App;
use crate::caller::PageCaller;
use crate::client::Client;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::extract::StrictForm;
use crate::layout::Layout;
use crate::page::{Page, shown_on};
use crate::recovery;

#[derive(Debug, Default, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    layout: Layout,
    next: String,
    name: String,
    email: String,
    errors: FieldErrors,
}

/// What is wrong with each field of a form.
type FieldErrors = Vec<(&'static str, String)>;

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

#[derive(Deserialize)]
pub(crate) struct SignUpForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

/// `POST /sign-up`. Whether or not the address has an account already, the
/// answer is the same: to sign in. (Whoever then signs in with that password
/// learns whether the address was free; only proving it first would hide that.)
pub(crate) async fn submit(
    State(app): State<App>,
    client: Client,
    StrictForm(form): StrictForm<SignUpForm>,
) -> HandlerResult<Response> {
    let next = ReturnTo::parse(form.next.as_deref(), &app.settings.public_url);
    match validate(&form) {
        Ok((name, email, typed)) => {
            let write = async |outcome| match outcome {
                SignUp::Created(user) => recovery::send_verification(&app, &user).await,
                SignUp::AlreadyThere(email) => {
                    recovery::send_already_there(&app, email).await;
                    Ok(())
                }
            };
            password::sign_up(&app, name, email, &typed, &client, write).await?;
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("welcome", "1").append_pair("next", next.as_str());
            Ok(Redirect::to(&format!("/sign-in?{}", query.finish())).into_response())
        }
        Err(errors) => {
            let page = SignUpPage {
                layout: Layout::new(&app, None),
                next: next.to_string(),
                name: form.name,
                email: form.email,
                errors,
            };
            Err(shown_on(AppError::new(catalogue::VALIDATION_FAILED), &page))
        }
    }
}

/// Looks at every field, and says everything that is wrong at once.
fn validate(form: &SignUpForm) -> Result<(DisplayName, Email, Password), FieldErrors> {
    let mut errors = FieldErrors::new();
    let name = DisplayName::clean(&form.name);
    if name.is_none() {
        errors.push(("name", "Enter your name.".to_owned()));
    }
    let email = Email::parse(&form.email).ok().filter(Email::is_public);
    if email.is_none() {
        let text = "Enter an address that e-mail can reach, like you@example.com.";
        errors.push(("email", text.to_owned()));
    }
    if let Err(weak) = check(&form.password, &[&form.email, &form.name]) {
        errors.push(("password", weak.to_string()));
    }
    match (name, email, Password::new(&*form.password)) {
        (Some(name), Some(email), Ok(password)) if errors.is_empty() => Ok((name, email, password)),
        _ => Err(errors),
    }
}
