//! The cost of a wrong choice: what somebody gains who steals one of the things
//! that a sign-in is made of, for how long, and how its owner ends it.
//!
//! Every cell stands on a measurement of the comparison or on a setting of this
//! instance, and says on which.

use latchkey_auth::oauth::attempt;
use latchkey_domain::refresh;

use latchkey_web::app::Application;
use latchkey_web::settings::Revocation;

#[derive(Debug)]
pub(crate) struct Stolen {
    pub(crate) thing: &'static str,
    pub(crate) opens: Cell,
    pub(crate) lasts: Cell,
    pub(crate) ended: Cell,
}

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) said: String,
    pub(crate) stands_on: Source,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Claim(u8),
    Setting(&'static str, String),
    Page(&'static str, &'static str),
}

fn measured(claim: u8, said: impl Into<String>) -> Cell {
    Cell { said: said.into(), stands_on: Source::Claim(claim) }
}

fn set(name: &'static str, value: impl std::fmt::Display, said: impl Into<String>) -> Cell {
    Cell { said: said.into(), stands_on: Source::Setting(name, value.to_string()) }
}

fn shown(path: &'static str, name: &'static str, said: impl Into<String>) -> Cell {
    Cell { said: said.into(), stands_on: Source::Page(path, name) }
}

/// Everything that can be stolen, as it is with the settings of this instance.
pub(super) fn of(app: &Application) -> Vec<Stolen> {
    let (session, jwt, leeway) = (app.settings.session, &app.settings.jwt, app.keys.leeway());
    let (idle, ttl) = (session.idle, jwt.access_ttl);
    let row = |thing, opens, lasts, ended| Stolen { thing, opens, lasts, ended };
    let session_ended = match app.settings.session_cache {
        true => set(
            "SESSION_CACHE",
            "watch",
            "Sign out, or revoke it under Account: refused within a second.",
        ),
        false => measured(7, "Sign out, or revoke it under Account: refused at the next request."),
    };
    let access_token_ended = match jwt.revocation {
        Revocation::Expiry => {
            "Not at all: nothing checks for revocation. With JWT_REVOCATION=watch, by signing \
             out, within a second."
        }
        Revocation::Watch => "Sign out, or revoke it: every process refuses it within a second.",
    };
    let connections = |said| shown("/connections", "Connections", said);
    vec![
        row(
            "Session ID",
            measured(
                13,
                "Everything its owner can, on pages and on the API, except what requires a recent \
                 sign-in. It takes a copied cookie: no script on the page can read it.",
            ),
            set(
                "SESSION_IDLE_TTL",
                idle,
                format!("Until it is unused for {idle}, and for {} at most.", session.absolute),
            ),
            session_ended,
        ),
        row(
            "Access token, a JWT",
            measured(
                9,
                "Whatever its scope allows, from anywhere, with its owner’s roles when it was \
                 issued.",
            ),
            set(
                "JWT_ACCESS_TTL",
                ttl,
                format!(
                    "Until it expires: {ttl} after it was issued, plus {leeway} for differing \
                     clocks."
                ),
            ),
            measured(7, access_token_ended),
        ),
        row(
            "Refresh token",
            measured(8, "Get new access tokens until its owner uses their own copy."),
            set(
                "JWT_REFRESH_TTL",
                jwt.refresh_ttl,
                format!(
                    "{} at most. It works once: a second use after more than {} revokes the whole \
                     family.",
                    jwt.refresh_ttl,
                    refresh::GRACE
                ),
            ),
            measured(7, "Sign out, or revoke it: a row in the database, gone at once."),
        ),
        row(
            "Authorization code",
            shown(
                "/lab/code_injected",
                "the attack",
                "Nothing: it is refused without the attempt cookie and the verifier of the browser \
                 that started, and it works once.",
            ),
            shown(
                "/errors/attempt_expired",
                "attempt_expired",
                format!(
                    "10 minutes at most, as RFC 6749 §4.1.2 recommends. Here an attempt expires \
                     after {}.",
                    attempt::LIFETIME
                ),
            ),
            measured(14, "Nothing to do: the first use has used it up."),
        ),
        row(
            "Provider’s token",
            connections(
                "What was granted at the provider, and nothing here: this API refuses tokens for \
                 another one.",
            ),
            connections(
                "As long as the provider says, usually an hour; with its refresh token, until it \
                 is revoked.",
            ),
            connections("Disconnect: it is revoked at the provider (RFC 7009) and deleted here."),
        ),
    ]
}
