//! E-mails with links: verifying an address, and choosing a new password.

use std::fmt;

use latchkey_auth::random;
use latchkey_domain::{Email, SignInId, Span, User, UserId};
use latchkey_store::email_tokens::{self, Purpose, Recipient};
use latchkey_store::{hash, passwords, users};

use crate::mail::EmailMessage;
use crate::mail_queue;
use crate::prelude::*;

/// How long a link works that proves an address.
const VERIFY_FOR: Span = Span::days(1);

/// How long a link works that opens an account.
const RESET_FOR: Span = Span::minutes(30);

/// How long an e-mail is worth sending whose link lasts.
const NEWS_FOR: Span = Span::days(1);

/// How long a code works that proves who somebody is.
const PROVE_FOR: Span = Span::minutes(10);

/// The words of each are in `templates/email.txt`: a subject, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Verify,
    AlreadyThere,
    Reset,
    Changed,
    Prove,
}

#[derive(Template)]
#[template(path = "email.txt")]
struct TextPart<'a> {
    product: &'a str,
    letter: Letter,
    /// The one link, or the code.
    what: &'a str,
}

/// Writes a code to an address that its person has proved. It is worth something
/// to this one sign-in alone.
pub(crate) async fn send_code(
    app: &App,
    user: &User,
    email: &Email,
    sign_in: SignInId,
) -> HandlerResult<()> {
    if app.limits.allow_email_to("prove", email) {
        let code = Code::new();
        let sent = Recipient { user_id: user.id, email: email.clone() };
        let expires_at = app.clock.now().plus(PROVE_FOR);
        let hash = code.hash(sign_in);
        email_tokens::insert(&app.db, &hash, Purpose::Prove, &sent, expires_at).await?;
        let code = code.to_string();
        deliver(app, Some(user.id), email.clone(), Letter::Prove, code, PROVE_FOR).await;
    }
    Ok(())
}

/// Eight characters of Crockford's alphabet: 40 bits, which nobody finds by trying
/// within ten minutes, and letters that nobody takes for digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code([u8; 8]);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Code {
    fn new() -> Self {
        Self(random::bytes::<8>().map(|byte| ALPHABET[usize::from(byte % 32)]))
    }

    /// As people type it: small letters, blanks, and O for zero.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let typed = typed.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-');
        let letters: Vec<u8> = typed
            .map(|byte| match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                byte => byte,
            })
            .collect();
        let known = letters.iter().all(|byte| ALPHABET.contains(byte));
        letters.try_into().ok().filter(|_| known).map(Self)
    }

    /// What is kept of it: for one sign-in, and worth nothing to another.
    pub(crate) fn hash(&self, sign_in: SignInId) -> String {
        hash::sha256_hex(&format!("{sign_in}:{self}"))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        write!(f, "{}-{}", &text[..4], &text[4..])
    }
}

/// Writes to somebody who has just signed up, or wants to prove their address.
pub(crate) async fn send_verification(app: &App, user: &User) -> HandlerResult<()> {
    let Some(email) = &user.email else { return Ok(()) };
    if app.limits.allow_email_to("verify", email) {
        let link = link(app, user, email, Purpose::Verify, VERIFY_FOR).await?;
        deliver(app, Some(user.id), email.clone(), Letter::Verify, link, VERIFY_FOR).await;
    }
    Ok(())
}

/// Writes to somebody who signed up with an address that has an account.
pub(crate) async fn send_already_there(app: &App, email: Email) {
    if app.limits.allow_email_to("exists", &email) {
        let link = app.settings.absolute("/sign-in");
        deliver(app, None, email, Letter::AlreadyThere, link, NEWS_FOR).await;
    }
}

/// Tells somebody that their password was changed.
pub(crate) async fn send_changed(app: &App, user: UserId, email: Email) {
    let link = app.settings.absolute("/forgot");
    deliver(app, Some(user), email, Letter::Changed, link, NEWS_FOR).await;
}

/// Writes to somebody who has forgotten their password, if there is an account
/// that this address opens. Whoever asked is told the same in either case, and
/// the writing is not waited for, but by the end of the process.
pub(crate) fn forgot(app: &App, email: Email, client: Client) {
    let (tasks, app) = (app.background_writes.clone(), app.clone());
    tasks.spawn(async move {
        if let Err(error) = try_forgot(&app, email, &client).await {
            tracing::error!(code = error.entry.code, "an e-mail could not be prepared");
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
        deliver(app, user, email, Letter::Reset, link, RESET_FOR).await;
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
    let sent = Recipient { user_id: user.id, email: email.clone() };
    let expires_at = app.clock.now().plus(lasts);
    email_tokens::insert(&app.db, &hash::sha256_hex(&token), purpose, &sent, expires_at).await?;
    // Each kind of link has a page of its own.
    Ok(app.settings.absolute(&format!("/{purpose}/{token}")))
}

async fn deliver(
    app: &App,
    user: Option<UserId>,
    to: Email,
    letter: Letter,
    what: String,
    lasts: Span,
) {
    let Ok(text) = (TextPart { product: &app.settings.product.name, letter, what: &what }).render()
    else {
        tracing::error!(?letter, "an e-mail could not be composed");
        return;
    };
    let (subject, text) = text.trim().split_once('\n').unwrap_or_default();
    let (subject, text) = (subject.to_owned(), format!("{text}\n"));
    let (link, at) = ((letter != Letter::Prove).then_some(what), app.clock.now());
    mail_queue::post(app, user, EmailMessage { to, subject, text, link, at }, lasts).await;
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = Code::new();
        assert_eq!(Code::parse(&code.to_string()), Some(code));
        for (typed, read) in [
            ("ABCD-2345", Some("ABCD-2345")),
            (" abcd 2345 ", Some("ABCD-2345")),
            ("oil0oil0", Some("0110-0110")),
            ("ABCD-234", None),
            ("ABCD-23456", None),
            ("ABCD-234U", None),
            ("ÄBCD-234", None),
            ("", None),
        ] {
            let found = Code::parse(typed).map(|code| code.to_string());
            assert_eq!(found.as_deref(), read, "{typed}");
        }
    }
}
