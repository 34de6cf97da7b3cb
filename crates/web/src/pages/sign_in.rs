//! The sign-in page: both doors on one card.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode};
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::{Door, Key};
use serde::Deserialize;

use super::oauth::strategy;
use crate::app::{App, Application};
use crate::caller::Caller;
use crate::errors::{Result, catalogue};
use crate::form::Fields;
use crate::password;
use crate::sign_in::{Browser, let_in};
use crate::templates::{Layout, Page, ProviderButton, SignInPage, Welcome};

#[derive(Debug, Deserialize)]
pub(crate) struct Where {
    pub(crate) next: Option<String>,
    welcome: Option<String>,
    again: Option<String>,
}

/// `GET /sign-in`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(query): Query<Where>,
) -> Response {
    let next = ReturnTo::parse(query.next.as_deref(), &app.settings.public_url);
    // Somebody who is signed in comes here to prove it once more.
    if caller.is_some() && query.again.is_none() {
        return Redirect::to(next.as_str()).into_response();
    }
    let welcome = match query.welcome.as_deref() {
        None => None,
        Some("reset") => Some(Welcome::Reset),
        Some(_) => Some(Welcome::SignedUp),
    };
    Page(SignInPage { welcome, layout: Layout::new(&app, caller.as_ref()), ..page(&app, &next) })
        .into_response()
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    strategy: Option<String>,
    next: Option<String>,
}

/// `POST /sign-in`
pub(crate) async fn act(
    State(app): State<App>,
    browser: Browser,
    Fields(form): Fields<Credentials>,
) -> Result<Response> {
    let key = strategy(form.strategy.as_deref(), Key::Jwt)?;
    let next = ReturnTo::parse(form.next.as_deref(), &app.settings.public_url);
    let Some(proof) = password::check(&app, &form.email, &form.password, &browser.client).await?
    else {
        let page = SignInPage { failed: Some(form.email), password_key: key, ..page(&app, &next) };
        let entry = catalogue::WRONG_CREDENTIALS;
        let mut response = (StatusCode::UNAUTHORIZED, Page(page)).into_response();
        response.headers_mut().insert("x-error-code", HeaderValue::from_static(entry.code));
        return Ok(response);
    };
    let signed_in = let_in(&app, browser, &proof.user, Door::Password, key).await?;
    proof.still_holds(&app, signed_in.id).await?;
    Ok((Extension(signed_in), Redirect::to(next.as_str())).into_response())
}

fn page(app: &Application, next: &ReturnTo) -> SignInPage {
    SignInPage {
        layout: Layout::new(app, None),
        providers: app.providers.iter().map(ProviderButton::of).collect(),
        next: next.to_string(),
        failed: None,
        welcome: None,
        password_key: Key::Jwt,
        access_ttl: app.settings.jwt.access_ttl.to_string(),
    }
}
