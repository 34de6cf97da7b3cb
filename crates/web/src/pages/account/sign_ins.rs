//! Ending sign-ins: one, all others, all.

use axum::extract::{Path, State};
use axum::response::Redirect;
use latchkey_axum::{
    AppError, Caller, Client, HandlerResult, SignInContext, audit, catalogue, end_sign_in, sign_out,
};
use latchkey_domain::SignInId;
use latchkey_domain::audit::Kind;
use latchkey_store::sign_ins;

use super::done::done;
use crate::app::App;
use crate::hints::{DONE, Hints};

/// `POST /account/sign-ins/{id}/end`
pub(crate) async fn end_one(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    Path(id): Path<String>,
) -> HandlerResult<Redirect> {
    let id: SignInId = id.parse().map_err(|_| AppError::new(catalogue::NOT_FOUND))?;
    if !end_sign_in(&app, id, caller.user.id).await? {
        return Err(AppError::new(catalogue::NOT_FOUND)
            .detail("You have no active sign-in with this ID; it may already be revoked."));
    }
    audit::by_person(&app, Kind::SignInEnded, caller.user.id, "", &client).await;
    Ok(Redirect::to(&done("ended")))
}

/// `POST /account/sign-ins/end-others`
pub(crate) async fn end_others(
    State(app): State<App>,
    caller: Caller,
    client: Client,
) -> HandlerResult<Redirect> {
    caller.require_active(&app).await?;
    end_all_but(&app, &caller, caller.sign_in_id(), &client).await?;
    Ok(Redirect::to(&done("ended")))
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
    end_all_but(&app, &caller, None, &client).await?;
    sign_out(&app, context).await?;
    hints.keep(DONE, "signed-out");
    Ok(Redirect::to("/"))
}

async fn end_all_but(
    app: &App,
    caller: &Caller,
    but: Option<SignInId>,
    client: &Client,
) -> HandlerResult<()> {
    let now = app.clock.now();
    let ended = sign_ins::end_others(&app.db, caller.user.id, but, now).await?;
    for sign_in in &ended {
        app.note_ended(*sign_in);
    }
    if !ended.is_empty() {
        let how = if ended.len() > 1 { format!("{} at once", ended.len()) } else { String::new() };
        audit::by_person(app, Kind::SignInEnded, caller.user.id, how, client).await;
    }
    Ok(())
}
