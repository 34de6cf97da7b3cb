//! Signing up with an address and a password.

use axum::extract::{FromRef, State};
use axum::response::Redirect;
use latchkey_domain::password::{Password, check};
use latchkey_domain::{DisplayName, Email, ReturnTo};
use serde::Deserialize;

use crate::client::Client;
use crate::errors::HandlerResult;
use crate::extract::StrictForm;
use crate::host::{FailedSignUp, FieldErrors, Host};
use crate::password;
use crate::state::Latchkey;

#[derive(Deserialize)]
pub(super) struct SignUpForm {
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
pub(super) async fn sign_up<S: Host>(
    State(host): State<S>,
    client: Client,
    StrictForm(form): StrictForm<SignUpForm>,
) -> HandlerResult<Redirect>
where
    Latchkey: FromRef<S>,
{
    let latchkey = Latchkey::from_ref(&host);
    let next = ReturnTo::parse(form.next.as_deref(), &latchkey.config.public_url);
    match validate(&form) {
        Ok((name, email, typed)) => {
            let tell = async |outcome| host.signed_up(outcome, &next).await;
            let to = password::sign_up(&latchkey, name, email, &typed, &client, tell).await?;
            Ok(Redirect::to(&to))
        }
        Err(errors) => {
            let SignUpForm { name, email, .. } = form;
            Err(host.failed_sign_up(FailedSignUp { name, email, next, errors }))
        }
    }
}

/// Looks at every field, and says everything that is wrong at once.
fn validate(form: &SignUpForm) -> Result<(DisplayName, Email, Password), FieldErrors> {
    let mut errors = Vec::new();
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
