//! Signing in with a password, and signing out.

use axum::Extension;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Redirect};
use latchkey_domain::{ReturnTo, SignInMethod};
use serde::Deserialize;

use crate::errors::{HandlerResult, sign_in_page};
use crate::extract::StrictForm;
use crate::host::{FailedSignIn, Host};
use crate::password;
use crate::sign_in::{self, Proof, SignInContext, complete_sign_in, parse_strategy};
use crate::state::Latchkey;

#[derive(Deserialize)]
pub(super) struct SignInForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    strategy: Option<String>,
    next: Option<String>,
    /// From our own page: a browser that keeps no cookies is to be told so.
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
    let default = latchkey.config.credential_for(&SignInMethod::Password);
    let key = parse_strategy(form.strategy.as_deref(), default)?;
    let next = ReturnTo::parse(form.next.as_deref(), &latchkey.config.public_url);
    let checked =
        password::authenticate(&latchkey, &form.email, &form.password, &context.client).await?;
    let Some(checked) = checked else {
        let failed = FailedSignIn { email: form.email, key, next };
        return Err(host.failed_sign_in(&failed));
    };
    let now = Proof::password(latchkey.clock.now());
    let signed_in = complete_sign_in(&latchkey, context, &checked.user, now, key).await?;
    checked.ensure_unchanged(&latchkey, signed_in.id).await?;
    let next = match form.check_cookies {
        None => next.to_string(),
        Some(_) => sign_in_page(&[("arrived", "yes"), ("next", next.as_str())]),
    };
    Ok((Extension(signed_in), Redirect::to(&next)))
}

/// `POST /sign-out`. By POST alone: a link or an image must not sign anybody out.
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
