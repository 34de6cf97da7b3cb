//! Signing out: on the server, and in the browser.

use axum::extract::State;
use axum::response::Redirect;

use crate::app::App;
use crate::errors::Result;
use crate::sign_in::{Browser, sign_out};

/// `POST /sign-out`. By POST alone: a link or an image must not sign anybody out.
pub(crate) async fn act(State(app): State<App>, browser: Browser) -> Result<Redirect> {
    sign_out(&app, browser).await?;
    Ok(Redirect::to("/"))
}
