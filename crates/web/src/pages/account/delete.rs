//! Deleting one's account, and proving one's address.

use axum::extract::State;
use axum::response::Redirect;
use latchkey_axum::{
    Action, AppError, Caller, Client, HandlerResult, SignInContext, StrictForm, audit, catalogue,
    forget_credentials,
};
use latchkey_domain::audit::{Actor, Kind};
use serde::Deserialize;

use super::done::done;
use crate::app::App;
use crate::hints::{DONE, Hints};
use crate::recovery;

#[derive(Debug, Deserialize)]
pub(crate) struct DeleteForm {
    #[serde(default)]
    confirm: String,
}

pub(super) const WORD: &str = "delete";

/// `POST /account/delete`: everything personal goes.
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    context: SignInContext,
    hints: Hints,
    StrictForm(form): StrictForm<DeleteForm>,
) -> HandlerResult<Redirect> {
    caller.require_recent_auth(&app).await?;
    if form.confirm.trim() != WORD {
        return Err(AppError::new(catalogue::NOT_CONFIRMED)
            .action(Action::link("Back to your account", "/account")));
    }
    let (own, user) = (app.clone(), caller.user.id);
    // A browser that leaves in the middle leaves nothing half done.
    app.run_to_end(async move {
        own.delete_account(user).await?;
        audit::record(&own, Kind::AccountDeleted, None, Actor::Person, "", None).await;
        Ok(())
    })
    .await?;
    forget_credentials(&app, &context);
    hints.keep(DONE, "deleted");
    Ok(Redirect::to("/"))
}

/// `POST /account/verify-email`: sends the e-mail once more.
pub(crate) async fn send_verification(
    State(app): State<App>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    app.limits.check_email(&client)?;
    match &caller.user.email {
        Some(_) if !caller.user.email_verified => {
            recovery::send_verification(&app, &caller.user).await?;
            Ok(Redirect::to(&done("letter")))
        }
        _ => Ok(Redirect::to("/account")),
    }
}
