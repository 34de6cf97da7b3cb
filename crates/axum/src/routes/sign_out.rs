//! Signing out: on the server, and in the browser.

use axum::extract::State;
use axum::response::Redirect;

use crate::errors::Result;
use crate::sign_in::{Browser, sign_out};
use crate::state::Latchkey;

/// `POST /sign-out`. By POST alone: a link or an image must not sign anybody out.
pub(super) async fn submit(State(latchkey): State<Latchkey>, browser: Browser) -> Result<Redirect> {
    sign_out(&latchkey, browser).await?;
    Ok(Redirect::to("/"))
}
