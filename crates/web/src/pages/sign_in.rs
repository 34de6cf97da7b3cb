//! The sign-in page: both doors on one card.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use latchkey_axum::host::FailedSignIn;
use latchkey_domain::Email;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_store::users;
use serde::Deserialize;

use crate::app::{App, Application};
use crate::caller::{Caller, PageCaller};
use crate::errors::HandlerResult;
use crate::labels::ProviderButton;
use crate::layout::Layout;
use crate::page::Page;
use crate::pages::account::proof::proved_address;

#[derive(Debug, Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignInPage {
    layout: Layout,
    providers: Vec<ProviderButton>,
    next: String,
    failed: Option<String>,
    welcome: Option<Welcome>,
    again: Option<Again>,
    password_key: CredentialKind,
    access_ttl: String,
}

/// What is different for somebody who is signed in, and is to prove it once more.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// The providers that are left out, because they cannot say that they asked.
    silent: String,
    /// Where a code can be sent to.
    email: Option<String>,
    /// Whether one was sent.
    sent: bool,
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
    sent: Option<String>,
}

/// `GET /sign-in`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<PageCaller>,
    Query(query): Query<SignInQuery>,
) -> HandlerResult<Response> {
    let next = ReturnTo::parse(query.next.as_deref(), &app.settings.public_url);
    // Somebody who is signed in comes here to prove it once more.
    if caller.is_some() && query.again.is_none() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    let welcome = match query.welcome.as_deref() {
        None => None,
        Some("reset") => Some(Welcome::Reset),
        Some(_) => Some(Welcome::SignedUp),
    };
    let mut page = form(&app, &next);
    if let Some(caller) = &caller {
        prove_again(&mut page, &app, caller, query.sent.is_some()).await?;
    }
    Ok(Page(SignInPage { welcome, layout: Layout::new(&app, caller.as_deref()), ..page })
        .into_response())
}

/// Leaves out what proves nothing, as long as there is something that does.
async fn prove_again(
    page: &mut SignInPage,
    app: &App,
    caller: &Caller,
    sent: bool,
) -> HandlerResult<()> {
    let user = users::by_id(&app.db, caller.user.id).await?;
    let email = user.as_ref().and_then(proved_address).map(Email::to_string);
    if user.is_some_and(|user| user.email.is_some()) {
        let silent = app.providers.iter().filter(|provider| !provider.can_reauthenticate());
        let silent: Vec<_> = silent.map(|provider| provider.label.as_str()).collect();
        let silent = silent.join(" and ");
        page.providers.retain(|button| button.can_reauthenticate);
        page.again = Some(Again { silent, email, sent });
    } else {
        page.again = Some(Again::default());
    }
    Ok(())
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
        again: None,
        password_key: CredentialKind::Jwt,
        access_ttl: app.settings.jwt.access_ttl.to_string(),
    }
}
