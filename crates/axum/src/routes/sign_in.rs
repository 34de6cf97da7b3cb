//! Signing in with a password, and signing out.

use axum::Extension;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Redirect};
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::CredentialKind;
use serde::Deserialize;

use crate::errors::HandlerResult;
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
    let key = parse_strategy(form.strategy.as_deref(), CredentialKind::Jwt)?;
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
    Ok((Extension(signed_in), Redirect::to(next.as_str())))
}

/// `POST /sign-out`. By POST alone: a link or an image must not sign anybody out.
pub(super) async fn sign_out(
    State(latchkey): State<Latchkey>,
    context: SignInContext,
) -> HandlerResult<Redirect> {
    sign_in::sign_out(&latchkey, context).await?;
    Ok(Redirect::to("/"))
}
