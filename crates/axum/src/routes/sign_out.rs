//! Signing out: on the server, and in the browser.

use axum::extract::State;
use axum::response::Redirect;

use crate::errors::HandlerResult;
use crate::sign_in::{SignInContext, sign_out};
use crate::state::Latchkey;

/// `POST /sign-out`. By POST alone: a link or an image must not sign anybody out.
pub(super) async fn submit(
    State(latchkey): State<Latchkey>,
    context: SignInContext,
) -> HandlerResult<Redirect> {
    sign_out(&latchkey, context).await?;
    Ok(Redirect::to("/"))
}
