//! Forms of the account page: password, reauthentication by e-mail, sign-ins, deletion.

use latchkey_axum::{clear_credentials, end_sign_in, password, sign_out};
use latchkey_domain::password::{Password, check};
use latchkey_domain::{SignInId, User, UserId};
use latchkey_store::accounts::PasswordChange;
use latchkey_store::email_tokens::{self, Purpose};
use latchkey_store::{accounts, passwords, sign_ins, users};

use crate::prelude::*;
use crate::recovery::{self, Code};

/// Redirects to the account page, which shows a message for `what`.
pub(super) fn done(what: &str) -> Redirect {
    Redirect::to(&format!("/account?done={what}"))
}

#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    current: String,
    #[serde(default)]
    new: String,
}

/// `POST /account/password`
pub(crate) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<PasswordForm>,
) -> HandlerResult<Redirect> {
    let now = app.clock.now();
    let (sign_in, user) = reload_user(&app, &caller).await?;
    let refused = |entry| AppError::new(entry).link("Back to your account", "/account");
    let mut previous = passwords::changed_at(&app.db, user.id).await?;
    if previous.is_some() {
        // Somebody at an unlocked computer must not lock its owner out.
        let email = passwords::email_of(&app.db, user.id).await?;
        let email = email.as_ref().map_or("", |email| email.as_str());
        let verified = password::authenticate(&app, email, &form.current, &client).await?;
        let Some(verified) = verified else {
            // The account may have been deleted in the meantime.
            reload_user(&app, &caller).await?;
            return Err(refused(catalogue::WRONG_PASSWORD));
        };
        previous = Some(verified.changed_at());
    } else {
        caller.require_recent_auth(&app).await?;
    }
    let email = user.email.as_ref().ok_or_else(|| refused(catalogue::EMAIL_MISSING))?;
    check(&form.new, &[email.as_str(), user.name.as_str()])
        .map_err(|weak| refused(catalogue::WEAK_PASSWORD).detail(weak.to_string()))?;
    let typed = Password::new(form.new).map_err(|_| AppError::new(catalogue::WEAK_PASSWORD))?;
    app.limits.check_password_change(user.id)?;
    let hash = app.hasher.hash(&typed).await?;
    let change = PasswordChange {
        user: user.id,
        sign_in,
        previous,
        email,
        is_verified: user.email_verified,
        hash: &hash,
    };
    match accounts::set_password(&app.db, change, now).await {
        Err(latchkey_store::Error::Exists) => {
            return Err(refused(catalogue::PASSWORD_EMAIL_TAKEN));
        }
        other => other?,
    }
    // Somebody else may have known the old password.
    end_all_except(&app, user.id, caller.sign_in_id()).await?;
    audit::record_by_user(&app, Kind::PasswordChanged, user.id, "", &client).await;
    recovery::send_password_changed(&app, user.id, email.clone()).await;
    Ok(done("password"))
}

const CODE_SENT: &str = "/sign-in?again=1&sent=1&next=%2Faccount";

/// `POST /account/proof/send`: e-mails a code to the verified address.
pub(crate) async fn send_code(
    State(app): State<App>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    app.limits.check_email(&client)?;
    let (sign_in, user) = reload_user(&app, &caller).await?;
    let email = user.verified_email().ok_or_else(|| {
        AppError::new(catalogue::EMAIL_UNVERIFIED).link("Go to your account", "/account")
    })?;
    recovery::send_code(&app, &user, email, sign_in).await?;
    Ok(Redirect::to(CODE_SENT))
}

#[derive(Debug, Deserialize)]
pub(crate) struct CodeForm {
    #[serde(default)]
    code: String,
}

/// `POST /account/proof`: accepts the code only in the sign-in that requested it.
pub(crate) async fn submit_code(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<CodeForm>,
) -> HandlerResult<Redirect> {
    app.limits.check(&client)?;
    let (sign_in, user) = reload_user(&app, &caller).await?;
    // Limited like passwords, but counted separately.
    let account = format!("code {}", user.id);
    let permit = app.limits.begin_attempt(&account, &client).await?;
    let now = app.clock.now();
    let consumed = match Code::parse(&form.code) {
        Some(code) => {
            email_tokens::consume(&app.db, &code.hash(sign_in), Purpose::Prove, now).await?
        }
        None => None,
    };
    // The user's address may have changed since the code was sent.
    if consumed.is_none_or(|sent| Some(&sent.email) != user.verified_email()) {
        app.limits.record_failure(&permit).await?;
        // The account may have been deleted in the meantime.
        reload_user(&app, &caller).await?;
        return Err(AppError::new(catalogue::WRONG_CODE).link("Try again", CODE_SENT));
    }
    sign_ins::record_reauthentication(&app.db, sign_in, now).await?;
    app.sessions.invalidate(sign_in);
    Ok(done("proved"))
}

/// The user from the database: the one in a JWT may be minutes old.
async fn reload_user(app: &App, caller: &Caller) -> HandlerResult<(SignInId, User)> {
    caller.require_active(app).await?;
    let user = users::by_id(&app.db, caller.user.id).await?;
    caller.sign_in_id().zip(user).ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
}

/// `POST /account/sign-ins/{id}/end`
pub(crate) async fn end_one(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    PathId(id): PathId<SignInId>,
) -> HandlerResult<Redirect> {
    if !end_sign_in(&app, id, caller.user.id).await? {
        return Err(AppError::new(catalogue::NOT_FOUND)
            .detail("You have no active sign-in with this ID; it may already be revoked."));
    }
    audit::record_by_user(&app, Kind::SignInEnded, caller.user.id, "", &client).await;
    Ok(done("ended"))
}

/// `POST /account/sign-ins/end-others`
pub(crate) async fn end_others(
    State(app): State<App>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    caller.require_active(&app).await?;
    let ended = end_all_except(&app, caller.user.id, caller.sign_in_id()).await?;
    record_ended(&app, &caller, ended, &client).await;
    Ok(done("ended"))
}

/// `POST /account/sign-ins/end-all`, this one included.
pub(crate) async fn end_all(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    context: SignInContext,
    hints: Hints,
) -> HandlerResult<Redirect> {
    caller.require_recent_auth(&app).await?;
    let ended = end_all_except(&app, caller.user.id, None).await?;
    record_ended(&app, &caller, ended, &client).await;
    sign_out(&app, context).await?;
    hints.set(DONE, "signed-out");
    Ok(Redirect::to("/"))
}

/// Returns how many were active.
async fn end_all_except(app: &App, user: UserId, except: Option<SignInId>) -> HandlerResult<usize> {
    let ended = sign_ins::end_others(&app.db, user, except, app.clock.now()).await?;
    ended.iter().for_each(|sign_in| app.mark_revoked(*sign_in));
    Ok(ended.len())
}

async fn record_ended(app: &App, caller: &Caller, ended: usize, client: &Client) {
    let detail = match ended {
        0 => return,
        1 => String::new(),
        several => format!("{several} sign-ins"),
    };
    audit::record_by_user(app, Kind::SignInEnded, caller.user.id, detail, client).await;
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeleteForm {
    #[serde(default)]
    confirm: String,
}

pub(super) const DELETE_CONFIRMATION: &str = "delete";

/// `POST /account/delete`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    context: SignInContext,
    hints: Hints,
    StrictForm(form): StrictForm<DeleteForm>,
) -> HandlerResult<Redirect> {
    caller.require_recent_auth(&app).await?;
    if form.confirm.trim() != DELETE_CONFIRMATION {
        return Err(
            AppError::new(catalogue::NOT_CONFIRMED).link("Back to your account", "/account")
        );
    }
    let (own, user) = (app.clone(), caller.user.id);
    // Not cancelled when the browser disconnects.
    app.run_to_completion(async move {
        own.delete_account(user).await?;
        audit::record(&own, Kind::AccountDeleted, None, Actor::Person, "", None).await;
        Ok(())
    })
    .await?;
    clear_credentials(&app, &context);
    hints.set(DONE, "deleted");
    Ok(Redirect::to("/"))
}

/// `POST /account/verify-email`: sends the e-mail again.
pub(crate) async fn send_verification(
    State(app): State<App>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    app.limits.check_email(&client)?;
    match &caller.user.email {
        Some(_) if !caller.user.email_verified && !app.mailer.is_disabled() => {
            recovery::send_verification(&app, &caller.user).await?;
            Ok(done("email"))
        }
        _ => Ok(Redirect::to("/account")),
    }
}
