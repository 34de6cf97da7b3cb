//! Setting and changing the password.

use axum::extract::State;
use axum::response::Redirect;
use latchkey_axum::{
    Action, AppError, Caller, Client, HandlerResult, StrictForm, audit, catalogue, password,
};
use latchkey_domain::audit::Kind;
use latchkey_domain::password::{Password, check};
use latchkey_store::{accounts, passwords, sign_ins};
use serde::Deserialize;

use super::done::done;
use crate::app::App;
use crate::recovery;

#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    current: String,
    #[serde(default)]
    new: String,
}

/// `POST /account/password`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<PasswordForm>,
) -> HandlerResult<Redirect> {
    let now = app.clock.now();
    let user = &caller.user;
    caller.require_active(&app).await?;
    let back = || Action::link("Back to your account", "/account");
    if passwords::changed_at(&app.db, user.id).await?.is_some() {
        // Whoever sits down at an open browser must not lock its owner out.
        let email = passwords::email_of(&app.db, user.id).await?;
        let email = email.as_ref().map_or("", |email| email.as_str());
        if password::authenticate(&app, email, &form.current, &client).await?.is_none() {
            return Err(AppError::new(catalogue::WRONG_PASSWORD).action(back()));
        }
    } else {
        caller.require_recent_auth(&app).await?;
    }
    let email = user
        .email
        .as_ref()
        .ok_or_else(|| AppError::new(catalogue::EMAIL_MISSING).action(back()))?;
    check(&form.new, &[email.as_str(), user.name.as_str()]).map_err(|weak| {
        AppError::new(catalogue::WEAK_PASSWORD).detail(weak.to_string()).action(back())
    })?;
    let typed = Password::new(form.new).map_err(|_| AppError::new(catalogue::WEAK_PASSWORD))?;
    let hash = app.hasher.hash(&typed).await?;
    let set =
        accounts::set_password(&app.db, user.id, email, user.email_verified, &hash, now).await;
    match set {
        Err(latchkey_store::Error::Exists) => {
            return Err(AppError::new(catalogue::PASSWORD_EMAIL_TAKEN).action(back()));
        }
        other => other?,
    }
    // Whoever knew the old one is out, wherever they are.
    let but = caller.sign_in_id();
    for ended in sign_ins::end_others(&app.db, user.id, but, now).await? {
        app.note_ended(ended);
    }
    audit::by_person(&app, Kind::PasswordChanged, user.id, "", &client).await;
    recovery::send_changed(&app, user.id, email.clone()).await;
    Ok(Redirect::to(&done("password")))
}
