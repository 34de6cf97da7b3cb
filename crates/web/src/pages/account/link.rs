//! Linking and unlinking ways in.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use latchkey_auth::linking::{self, Pending};
use latchkey_auth::oauth::Attempt;
use latchkey_domain::UserId;
use latchkey_domain::audit::Kind;
use latchkey_domain::identity::Profile;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::Key;
use latchkey_store::accounts::{self, Unlinked, WayIn};
use serde::Deserialize;

use super::done;
use crate::app::App;
use crate::audit;
use crate::caller::Caller;
use crate::client::Client;
use crate::cookies::PENDING_LINK;
use crate::errors::{Action, Fault, Result, catalogue};
use crate::form::Fields;
use crate::pages::oauth;
use crate::sign_in::Browser;
use crate::templates::{Layout, LinkPage, Page};

/// `POST /account/link/{provider}`: sets out for a provider, to come back with
/// an identity that becomes a way into this account.
pub(crate) async fn start(
    State(app): State<App>,
    Path(slug): Path<String>,
    headers: http::HeaderMap,
    caller: Caller,
    client: Client,
) -> Result<Response> {
    caller.proved_lately(&app).await?;
    let return_to = ReturnTo::parse(Some(&done("linked")), &app.settings.public_url);
    let secret = &app.settings.app_secret;
    let browser = &client.user_agent;
    let now = app.clock.now();
    let attempt = Attempt::new(&slug, Key::Session, return_to, browser, secret, now);
    oauth::set_out(&app, &slug, attempt.linking(caller.user.id), &headers).await
}

/// Links what a provider has just vouched for, for whoever set out to do so.
pub(crate) async fn finish(
    app: &App,
    user: UserId,
    provider: &str,
    profile: &Profile,
    browser: &Browser,
) -> Result<()> {
    // Somebody else signed in here in the meantime: it is not theirs to link.
    if browser.before.as_ref().map(|caller| caller.user.id) != Some(user) {
        return Err(
            Fault::new(catalogue::LINK_LOST).action(Action::link("Go to your account", "/account"))
        );
    }
    if let Some(caller) = &browser.before {
        caller.lives(app).await?;
    }
    link(app, user, provider, profile, &browser.client).await
}

async fn link(
    app: &App,
    user: UserId,
    provider: &str,
    profile: &Profile,
    client: &Client,
) -> Result<()> {
    match linking::link(&app.db, user, provider, profile, app.clock.now()).await {
        Ok(true) => {
            audit::by_person(app, Kind::Linked, user, provider, client).await;
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(linking::Error::IdentityTaken) => Err(Fault::new(catalogue::IDENTITY_TAKEN)
            .action(Action::link("Go to your account", "/account"))),
        Err(linking::Error::Store(error)) => Err(error.into()),
    }
}

/// `GET /account/link`: asks whether the identity that waits is to be linked.
pub(crate) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    headers: http::HeaderMap,
) -> Result<Page<LinkPage>> {
    let pending = pending(&app, &headers, &caller)?;
    let label = app.provider(&pending.provider).map_or(pending.provider, |p| p.label.clone());
    Ok(Page(LinkPage {
        layout: Layout::new(&app, Some(&caller)),
        label,
        name: pending.profile.name.to_string(),
        email: pending.profile.email.map(String::from),
    }))
}

/// `POST /account/link`: links it.
pub(crate) async fn accept(
    State(app): State<App>,
    caller: Caller,
    headers: http::HeaderMap,
    browser: Browser,
) -> Result<Response> {
    caller.proved_lately(&app).await?;
    let pending = pending(&app, &headers, &caller)?;
    link(&app, caller.user.id, &pending.provider, &pending.profile, &browser.client).await?;
    browser.outgoing.add(vec![app.cookies.removal(PENDING_LINK)]);
    Ok(Redirect::to(&done("linked")).into_response())
}

/// The identity that waits in this browser, for this very person: whoever has
/// proved the address that the provider vouched for.
fn pending(app: &App, headers: &http::HeaderMap, caller: &Caller) -> Result<Pending> {
    let cookie = app.cookies.value(headers, PENDING_LINK);
    let secret = &app.settings.app_secret;
    cookie
        .and_then(|cookie| Pending::open(cookie, secret, app.clock.now()))
        .filter(|pending| caller.user.email_verified && pending.profile.email == caller.user.email)
        .ok_or_else(|| {
            Fault::new(catalogue::LINK_LOST).action(Action::link("Go to your account", "/account"))
        })
}

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    subject: String,
    /// `password`, where it is that.
    way: Option<String>,
}

impl Which {
    fn way_in(&self) -> WayIn<'_> {
        match self.way.as_deref() {
            Some("password") => WayIn::Password,
            _ => WayIn::Identity { issuer: &self.issuer, subject: &self.subject },
        }
    }
}

/// `POST /account/unlink`
pub(crate) async fn unlink(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    Fields(which): Fields<Which>,
) -> Result<Redirect> {
    caller.proved_lately(&app).await?;
    // No issuer and no subject has one; PostgreSQL has none in text at all.
    if [&which.issuer, &which.subject].iter().any(|text| text.contains('\0')) {
        return Err(Fault::new(catalogue::BAD_REQUEST));
    }
    let unlinked = accounts::unlink(&app.db, caller.user.id, which.way_in()).await?;
    match unlinked {
        Unlinked::Done => {
            let what = match which.way_in() {
                WayIn::Password => "password",
                WayIn::Identity { issuer, .. } => issuer,
            };
            audit::by_person(&app, Kind::Unlinked, caller.user.id, what, &client).await;
            Ok(Redirect::to(&done("unlinked")))
        }
        Unlinked::LastWayIn => Err(Fault::new(catalogue::LAST_WAY_IN)
            .action(Action::link("Back to your account", "/account"))),
        Unlinked::Unknown => Err(Fault::new(catalogue::NOT_FOUND)
            .detail("That sign-in method is not linked to your account.")
            .action(Action::link("Back to your account", "/account"))),
    }
}
