//! Proving who one is with a code by e-mail: for people whose provider does not
//! say when it last asked them.

use axum::extract::State;
use axum::response::Redirect;
use latchkey_axum::{Action, AppError, Caller, Client, HandlerResult, StrictForm, catalogue};
use latchkey_domain::{Email, SignInId, User};
use latchkey_store::email_tokens::{self, Purpose};
use latchkey_store::{sign_ins, users};
use serde::Deserialize;

use super::done::done;
use crate::app::App;
use crate::recovery::{self, Code};

const SENT: &str = "/sign-in?again=1&sent=1&next=%2Faccount";

/// `POST /account/proof/send`: writes a code to the address that they have proved.
pub(crate) async fn send(
    State(app): State<App>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    app.limits.check_email(&client)?;
    let (sign_in, user) = somebody(&app, &caller).await?;
    let email = proved_address(&user).ok_or_else(|| {
        AppError::new(catalogue::EMAIL_UNVERIFIED)
            .action(Action::link("Go to your account", "/account"))
    })?;
    recovery::send_code(&app, &user, email, sign_in).await?;
    Ok(Redirect::to(SENT))
}

#[derive(Debug, Deserialize)]
pub(crate) struct CodeForm {
    #[serde(default)]
    code: String,
}

/// `POST /account/proof`: takes the code, in the browser to whose sign-in it was sent.
pub(crate) async fn take(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<CodeForm>,
) -> HandlerResult<Redirect> {
    app.limits.check(&client)?;
    let (sign_in, user) = somebody(&app, &caller).await?;
    // Counted as passwords are, and apart from them.
    let account = format!("code {}", user.id);
    let gate = app.limits.admit(&account, &client).await?;
    let now = app.clock.now();
    let taken = match Code::parse(&form.code) {
        Some(code) => email_tokens::take(&app.db, &code.hash(sign_in), Purpose::Prove, now).await?,
        None => None,
    };
    // The address may be another's by now, and then the code was sent to another.
    if taken.is_none_or(|sent| Some(&sent.email) != proved_address(&user)) {
        app.limits.record_failure(&gate).await?;
        return Err(AppError::new(catalogue::WRONG_CODE).action(Action::link("Try again", SENT)));
    }
    sign_ins::proved(&app.db, sign_in, now).await?;
    app.sessions.ended(sign_in);
    Ok(Redirect::to(&done("proved")))
}

/// The address at which a code proves something.
pub(crate) fn proved_address(user: &User) -> Option<&Email> {
    user.email.as_ref().filter(|_| user.email_verified)
}

/// Whose sign-in it is, as they are now: a JWT may be minutes old.
async fn somebody(app: &App, caller: &Caller) -> HandlerResult<(SignInId, User)> {
    caller.require_active(app).await?;
    let user = users::by_id(&app.db, caller.user.id).await?;
    caller.sign_in_id().zip(user).ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
}
