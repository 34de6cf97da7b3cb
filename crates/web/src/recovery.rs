//! E-mails with links: verifying an address, and choosing a new password.

use latchkey_auth::random;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::{Email, Span, User, UserId};
use latchkey_store::email_tokens::{self, Purpose, Sent};
use latchkey_store::{hash, passwords, users};

use crate::app::App;
use crate::audit;
use crate::client::Client;
use crate::errors::HandlerResult;
use crate::mail::EmailMessage;
use crate::mail_queue;

/// How long a link works that proves an address.
const VERIFY_FOR: Span = Span::days(1);

/// How long a link works that opens an account.
const RESET_FOR: Span = Span::minutes(30);

/// How long an e-mail is worth sending whose link lasts.
const NEWS_FOR: Span = Span::days(1);

/// What an e-mail says around its one link.
struct Words {
    subject: &'static str,
    before: &'static str,
    after: &'static str,
}

const VERIFY: Words = Words {
    subject: "Verify your address",
    before: "Someone, probably you, created a Latchkey account with this e-mail address.\n\n\
             If it was you, open this link within 24 hours to verify your address:",
    after: "\nIf it wasn’t you, ignore this e-mail: your address can’t be verified without the \
            link.\n",
};

const ALREADY_THERE: Words = Words {
    subject: "You already have an account",
    before: "Someone, probably you, tried to create a Latchkey account with this e-mail \
             address.\n\n\
             You already have one, so nothing changed. Sign in the way you did before:",
    after: "",
};

const RESET: Words = Words {
    subject: "Choose a new password",
    before: "Someone, probably you, asked to reset your Latchkey password.\n\n\
             If it was you, open this link within 30 minutes:",
    after: "\nA new password signs you out everywhere. If it wasn’t you, ignore this e-mail: \
            your password stays the same.\n",
};

const CHANGED: Words = Words {
    subject: "Your password was changed",
    before: "Your Latchkey password was changed, and all your other devices were signed out.\n\n\
             If it wasn’t you, choose a new password now:",
    after: "",
};

/// Writes to somebody who has just signed up, or wants to prove their address.
pub(crate) async fn send_verification(app: &App, user: &User) -> HandlerResult<()> {
    let Some(email) = &user.email else { return Ok(()) };
    if app.limits.allow_email_to("verify", email) {
        let link = link(app, user, email, Purpose::Verify, VERIFY_FOR).await?;
        deliver(app, Some(user.id), email.clone(), &VERIFY, link, VERIFY_FOR).await;
    }
    Ok(())
}

/// Writes to somebody who signed up with an address that has an account.
pub(crate) async fn send_already_there(app: &App, email: Email) {
    if app.limits.allow_email_to("exists", &email) {
        let link = app.settings.absolute("/sign-in");
        deliver(app, None, email, &ALREADY_THERE, link, NEWS_FOR).await;
    }
}

/// Tells somebody that their password was changed.
pub(crate) async fn send_changed(app: &App, user: UserId, email: Email) {
    let link = app.settings.absolute("/forgot");
    deliver(app, Some(user), email, &CHANGED, link, NEWS_FOR).await;
}

/// Writes to somebody who has forgotten their password, if there is an account
/// that this address opens. Whoever asked is told the same in either case, and
/// the writing is not waited for, but by the end of the process.
pub(crate) fn forgot(app: &App, email: Email, client: Client) {
    let (tasks, app) = (app.background_writes.clone(), app.clone());
    tasks.spawn(async move {
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
    if app.limits.allow_email_to("reset", &email) {
        let link = link(app, &user, &email, Purpose::Reset, RESET_FOR).await?;
        let (kind, user) = (Kind::ResetRequested, Some(user.id));
        audit::record(app, kind, user, Actor::Nobody, "", Some(client)).await;
        deliver(app, user, email, &RESET, link, RESET_FOR).await;
    }
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

async fn deliver(
    app: &App,
    user: Option<UserId>,
    to: Email,
    words: &Words,
    link: String,
    lasts: Span,
) {
    let text = format!("{}\n\n{link}\n{}", words.before, words.after);
    let (subject, at) = (words.subject.to_owned(), app.clock.now());
    mail_queue::post(app, user, EmailMessage { to, subject, text, link, at }, lasts).await;
}
