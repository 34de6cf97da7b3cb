//! E-mails with links: verifying an address, and choosing a new password.

use latchkey_auth::random;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::{Email, Span, User};
use latchkey_store::email_tokens::{self, Purpose, Sent};
use latchkey_store::{hash, passwords, users};

use crate::app::App;
use crate::audit;
use crate::client::Client;
use crate::errors::HandlerResult;
use crate::mail::emails;

/// How long a link works that proves an address.
const VERIFY_FOR: Span = Span::days(1);

/// How long a link works that opens an account.
const RESET_FOR: Span = Span::minutes(30);

/// Writes to somebody who has just signed up, or wants to prove their address.
pub(crate) async fn send_verification(app: &App, user: &User) -> HandlerResult<()> {
    let Some(email) = &user.email else { return Ok(()) };
    if !app.limits.allow_email_to("verify", email) {
        return Ok(());
    }
    let link = link(app, user, email, Purpose::Verify, VERIFY_FOR).await?;
    deliver(app, emails::verify(email.clone(), link, app.clock.now()));
    Ok(())
}

/// Writes to somebody who signed up with an address that has an account.
pub(crate) fn send_already_there(app: &App, email: Email) {
    if app.limits.allow_email_to("exists", &email) {
        let sign_in = app.settings.absolute("/sign-in");
        deliver(app, emails::exists(email, sign_in, app.clock.now()));
    }
}

/// Tells somebody that their password was changed.
pub(crate) fn send_changed(app: &App, email: Email) {
    let forgot = app.settings.absolute("/forgot");
    deliver(app, emails::changed(email, forgot, app.clock.now()));
}

/// Writes to somebody who has forgotten their password, if there is an account
/// that this address opens. Whoever asked is told the same in either case, and
/// the writing is not waited for.
pub(crate) fn forgot(app: &App, email: Email, client: Client) {
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = try_forgot(&app, email, &client).await {
            tracing::error!(code = error.entry().code, "an e-mail could not be prepared");
        }
    });
}

async fn try_forgot(app: &App, email: Email, client: &Client) -> HandlerResult<()> {
    // Who proved the address goes before who merely claims it.
    let user = match users::find_by_verified_email(&app.db, &email).await? {
        Some(id) => users::by_id(&app.db, id).await?,
        None => passwords::by_email(&app.db, &email).await?.map(|account| account.user),
    };
    let Some(user) = user else { return Ok(()) };
    if !app.limits.allow_email_to("reset", &email) {
        return Ok(());
    }
    let link = link(app, &user, &email, Purpose::Reset, RESET_FOR).await?;
    audit::record(app, Kind::ResetRequested, Some(user.id), Actor::Nobody, "", Some(client)).await;
    app.mailer.send(emails::reset(email, link, app.clock.now())).await;
    Ok(())
}

/// A link that works once. Only its hash is kept.
async fn link(
    app: &App,
    user: &User,
    email: &Email,
    purpose: Purpose,
    lasts: Span,
) -> HandlerResult<String> {
    let token = random::token();
    let sent = Sent { user_id: user.id, email: email.clone() };
    let expires_at = app.clock.now().plus(lasts);
    email_tokens::insert(&app.db, &hash::of(&token), purpose, &sent, expires_at).await?;
    let page = match purpose {
        Purpose::Verify => "verify",
        Purpose::Reset => "reset",
    };
    Ok(app.settings.absolute(&format!("/{page}/{token}")))
}

/// Sends without being waited for: how long it takes tells nobody anything.
fn deliver(app: &App, email: crate::mail::EmailMessage) {
    let app = app.clone();
    tokio::spawn(async move { app.mailer.send(email).await });
}
