//! E-mails about an account: links to verify an address or reset a password, and codes.

use std::fmt;

use latchkey_auth::random;
use latchkey_domain::{Email, SignInId, Span, User, UserId};
use latchkey_store::email_tokens::{self, Purpose, Recipient};
use latchkey_store::{hash, passwords, users};

use crate::mail::EmailMessage;
use crate::mail_queue;
use crate::prelude::*;

const VERIFY_LINK_TTL: Span = Span::days(1);
const RESET_LINK_TTL: Span = Span::minutes(30);
const CODE_TTL: Span = Span::minutes(10);

/// How long a notice without a secret is worth sending.
const NOTICE_TTL: Span = Span::days(1);

/// Subject and text of each are in `templates/email.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EmailKind {
    Verify,
    AccountExists,
    Reset,
    PasswordChanged,
    Linked,
    Code,
}

#[derive(Template)]
#[template(path = "email.txt")]
struct TextPart<'a> {
    product: &'a str,
    kind: EmailKind,
    link_or_code: &'a str,
}

/// Sends a code that confirms the user's identity, for this sign-in only.
pub(crate) async fn send_code(
    app: &App,
    user: &User,
    email: &Email,
    sign_in: SignInId,
) -> HandlerResult<()> {
    if app.limits.allow_email_to("prove", email) {
        let code = Code::new();
        let recipient = Recipient { user_id: user.id, email: email.clone() };
        let expires_at = app.clock.now().plus(CODE_TTL);
        let hash = code.hash(sign_in);
        email_tokens::insert(&app.db, &hash, Purpose::Prove, &recipient, expires_at).await?;
        let code = code.to_string();
        send(app, Some(user.id), email.clone(), EmailKind::Code, code, CODE_TTL).await;
    }
    Ok(())
}

/// Eight characters of Crockford's Base32, whose letters cannot be mistaken for digits.
/// 40 bits cannot be guessed within ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code([u8; 8]);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Code {
    fn new() -> Self {
        Self(random::bytes::<8>().map(|byte| ALPHABET[usize::from(byte % 32)]))
    }

    /// Accepts lower case, spaces, and O, I and L for the digits they look like.
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

    /// Includes the sign-in, so that the code is worthless to any other.
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

pub(crate) async fn send_verification(app: &App, user: &User) -> HandlerResult<()> {
    let Some(email) = &user.email else { return Ok(()) };
    if app.limits.allow_email_to("verify", email) {
        let link = create_link(app, user, email, Purpose::Verify, VERIFY_LINK_TTL).await?;
        send(app, Some(user.id), email.clone(), EmailKind::Verify, link, VERIFY_LINK_TTL).await;
    }
    Ok(())
}

/// Answers a sign-up with the address of an existing account.
pub(crate) async fn send_account_exists(app: &App, email: Email) {
    if app.limits.allow_email_to("exists", &email) {
        let link = app.settings.absolute("/sign-in");
        send(app, None, email, EmailKind::AccountExists, link, NOTICE_TTL).await;
    }
}

pub(crate) async fn send_password_changed(app: &App, user: UserId, email: Email) {
    if app.limits.allow_email_to("changed", &email) {
        let link = app.settings.absolute("/forgot");
        send(app, Some(user), email, EmailKind::PasswordChanged, link, NOTICE_TTL).await;
    }
}

pub(crate) async fn send_linked(app: &App, user: &User) {
    if let Some(email) = user.verified_email()
        && app.limits.allow_email_to("linked", email)
    {
        let link = app.settings.absolute("/account");
        send(app, Some(user.id), email.clone(), EmailKind::Linked, link, NOTICE_TTL).await;
    }
}

/// Sends a link to reset the password, if there is an account. Runs in the background:
/// neither the response nor its time reveals whether there is one.
pub(crate) fn forgot(app: &App, email: Email, client: Client) {
    let (tasks, app) = (app.background_writes.clone(), app.clone());
    tasks.spawn(async move {
        if let Err(error) = send_reset(&app, email, &client).await {
            tracing::error!(code = error.entry.code, "an e-mail could not be prepared");
        }
    });
}

async fn send_reset(app: &App, email: Email, client: &Client) -> HandlerResult<()> {
    // An account that has verified the address comes before one that only claims it.
    let user = match users::find_by_verified_email(&app.db, &email).await? {
        Some(id) => users::by_id(&app.db, id).await?,
        None => passwords::by_email(&app.db, &email).await?.map(|account| account.user),
    };
    let Some(user) = user else { return Ok(()) };
    if app.limits.allow_email_to("reset", &email) {
        let link = create_link(app, &user, &email, Purpose::Reset, RESET_LINK_TTL).await?;
        let (kind, user) = (Kind::ResetRequested, Some(user.id));
        audit::record(app, kind, user, Actor::Unknown, "", Some(client)).await;
        send(app, user, email, EmailKind::Reset, link, RESET_LINK_TTL).await;
    }
    Ok(())
}

/// A link that works once. Only the hash of its token is stored.
async fn create_link(
    app: &App,
    user: &User,
    email: &Email,
    purpose: Purpose,
    ttl: Span,
) -> HandlerResult<String> {
    let token = random::token();
    let recipient = Recipient { user_id: user.id, email: email.clone() };
    let expires_at = app.clock.now().plus(ttl);
    email_tokens::insert(&app.db, &hash::sha256_hex(&token), purpose, &recipient, expires_at)
        .await?;
    // The paths of the pages begin with the purpose.
    Ok(app.settings.absolute(&format!("/{purpose}/{token}")))
}

async fn send(
    app: &App,
    user: Option<UserId>,
    to: Email,
    kind: EmailKind,
    link_or_code: String,
    ttl: Span,
) {
    let product = &app.settings.product.name;
    let Ok(text) = (TextPart { product, kind, link_or_code: &link_or_code }).render() else {
        tracing::error!(?kind, "an e-mail could not be composed");
        return;
    };
    let (subject, text) = text.trim().split_once('\n').unwrap_or_default();
    let (subject, text) = (subject.to_owned(), format!("{text}\n"));
    let (link, at) = ((kind != EmailKind::Code).then_some(link_or_code), app.clock.now());
    mail_queue::enqueue(app, user, EmailMessage { to, subject, text, link, at }, ttl).await;
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn recovery_codes_tolerate_typing_variations() {
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
