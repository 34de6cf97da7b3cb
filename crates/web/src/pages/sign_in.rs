//! The sign-in page: both doors on one card.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use latchkey_axum::host::FailedSignIn;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::CredentialKind;
use serde::Deserialize;

use crate::app::{App, Application};
use crate::caller::PageCaller;
use crate::labels::ProviderButton;
use crate::layout::Layout;
use crate::page::Page;

#[derive(Debug, Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignInPage {
    layout: Layout,
    providers: Vec<ProviderButton>,
    next: String,
    failed: Option<String>,
    welcome: Option<Welcome>,
    password_key: CredentialKind,
    access_ttl: String,
}

/// Why somebody is sent to the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    SignedUp,
    Reset,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignInQuery {
    pub(crate) next: Option<String>,
    welcome: Option<String>,
    again: Option<String>,
}

/// `GET /sign-in`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<PageCaller>,
    Query(query): Query<SignInQuery>,
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
    Page(SignInPage { welcome, layout: Layout::new(&app, caller.as_deref()), ..form(&app, &next) })
        .into_response()
}

/// `POST /sign-in`, when e-mail and password do not match.
pub(crate) fn failed(app: &Application, attempt: &FailedSignIn) -> SignInPage {
    let failed = Some(attempt.email.clone());
    SignInPage { failed, password_key: attempt.key, ..form(app, &attempt.next) }
}

fn form(app: &Application, next: &ReturnTo) -> SignInPage {
    SignInPage {
        layout: Layout::new(app, None),
        providers: app.providers.iter().map(ProviderButton::of).collect(),
        next: next.to_string(),
        failed: None,
        welcome: None,
        password_key: CredentialKind::Jwt,
        access_ttl: app.settings.jwt.access_ttl.to_string(),
    }
}
