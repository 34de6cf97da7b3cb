//! Sign-in and sign-up with a password, and sign-out.

use axum::Extension;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Redirect};
use latchkey_domain::password::{Password, check};
use latchkey_domain::{DisplayName, Email, ReturnTo, SignInMethod};
use serde::Deserialize;

use crate::client::Client;
use crate::errors::{AppError, HandlerResult, catalogue, sign_in_page};
use crate::extract::StrictForm;
use crate::host::{FailedSignIn, FailedSignUp, FieldErrors, Host};
use crate::password;
use crate::sign_in::{self, Proof, SignInContext, complete_sign_in, parse_strategy, undo_sign_in};
use crate::state::Latchkey;

#[derive(Deserialize)]
pub(super) struct SignInForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    strategy: Option<String>,
    next: Option<String>,
    /// Set by our own page: redirect via the sign-in page, which detects blocked cookies.
    check_cookies: Option<String>,
}

/// `POST /sign-in`
pub(super) async fn sign_in<S: Host>(
    State(host): State<S>,
    context: SignInContext,
    StrictForm(form): StrictForm<SignInForm>,
) -> HandlerResult<impl IntoResponse>
where
    Latchkey: FromRef<S>,
{
    let latchkey = Latchkey::from_ref(&host);
    let default = latchkey.config.default_credential(&SignInMethod::Password);
    let credential = parse_strategy(form.strategy.as_deref(), default)?;
    let next = ReturnTo::parse(form.next.as_deref(), &latchkey.config.public_url);
    let verified =
        password::authenticate(&latchkey, &form.email, &form.password, &context.client).await?;
    let Some(verified) = verified else {
        let failed = FailedSignIn { email: form.email, credential, next };
        return Err(host.failed_sign_in(&failed));
    };
    let proof = Proof::password(latchkey.clock.now());
    let cookies = context.response_cookies.clone();
    let signed_in = complete_sign_in(&latchkey, context, &verified.user, proof, credential).await?;
    if !verified.is_unchanged(&latchkey).await? {
        undo_sign_in(&latchkey, &cookies, &signed_in).await?;
        return Err(AppError::new(catalogue::WRONG_CREDENTIALS));
    }
    let next = match form.check_cookies {
        None => next.to_string(),
        Some(_) => sign_in_page(&[("arrived", "yes"), ("next", next.as_str())]),
    };
    Ok((Extension(signed_in), Redirect::to(&next)))
}

/// `POST /sign-out`. Not GET: a link or an image must not sign users out.
pub(super) async fn sign_out<S: Host>(
    State(host): State<S>,
    context: SignInContext,
) -> HandlerResult<Redirect>
where
    Latchkey: FromRef<S>,
{
    let (caller, cookies) = (context.current.clone(), context.response_cookies.clone());
    sign_in::sign_out(&Latchkey::from_ref(&host), context).await?;
    Ok(host.signed_out(caller.as_ref(), &cookies))
}

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

/// `POST /sign-up`. The response is the same whether or not the address already has an
/// account. (Signing in with the password reveals it; only verifying the address before
/// creating the account would hide that.)
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
            let to =
                password::sign_up(&latchkey, &host, name, email, &typed, &client, &next).await?;
            Ok(Redirect::to(&to))
        }
        Err(errors) => {
            let SignUpForm { name, email, .. } = form;
            Err(host.failed_sign_up(FailedSignUp { name, email, next, errors }))
        }
    }
}

/// Checks all fields and reports every error.
fn validate(form: &SignUpForm) -> Result<(DisplayName, Email, Password), FieldErrors> {
    let mut errors = Vec::new();
    let name = DisplayName::clean(&form.name);
    if name.is_none() {
        errors.push(("name", "Enter your name.".to_owned()));
    }
    let email = Email::parse(&form.email).ok().filter(Email::is_public);
    if email.is_none() {
        let text = "Enter a valid e-mail address, like you@example.com.";
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
