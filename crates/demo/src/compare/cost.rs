//! The cost of a wrong choice: what somebody gains who steals one of the things
//! that a sign-in is made of, for how long, and how its owner ends it.
//!
//! Every cell stands on a measurement of the comparison or on a setting of this
//! instance, and says on which.

use latchkey_auth::oauth::attempt;
use latchkey_domain::refresh;

use latchkey_web::app::Application;
use latchkey_web::settings::Revocation;

/// One thing that can be stolen.
#[derive(Debug)]
pub(crate) struct Stolen {
    pub(crate) thing: &'static str,
    /// What the thief can do with it.
    pub(crate) opens: Cell,
    pub(crate) lasts: Cell,
    pub(crate) ended: Cell,
}

/// A sentence, and what it stands on.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) said: String,
    pub(crate) stands_on: Source,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A claim that is measured on this page.
    Claim(u8),
    /// A setting, with its value here.
    Setting(&'static str, String),
    /// Another page, by its address and name.
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
    vec![session(app), access_token(app), refresh_token(app), code(), provider_token()]
}

fn session(app: &Application) -> Stolen {
    let life = app.settings.session;
    let said =
        format!("Until it was not used for {}, and for {} at the most.", life.idle, life.absolute);
    let ended = if app.settings.session_cache {
        set("SESSION_CACHE", "watch", "Sign out, or end it under Account: within a second.")
    } else {
        measured(7, "Sign out, or end it under Account: it is refused at the next request.")
    };
    Stolen {
        thing: "Session id",
        opens: measured(
            13,
            "Everything that its person may, on pages and on the API; not what asks for a fresh \
             proof. Only a copied cookie: no script of the page can read it.",
        ),
        lasts: set("SESSION_IDLE_TTL", life.idle, said),
        ended,
    }
}

fn access_token(app: &Application) -> Stolen {
    let (ttl, leeway) = (app.settings.jwt.access_ttl, app.keys.leeway());
    let ended = match app.settings.jwt.revocation {
        Revocation::Expiry => measured(
            7,
            "Not at all: nobody asks whether it was revoked. With JWT_REVOCATION=watch, by \
             signing out, within a second.",
        ),
        Revocation::Watch => {
            measured(7, "Sign out, or revoke it: every process refuses it within a second.")
        }
    };
    Stolen {
        thing: "Access token, a JWT",
        opens: measured(
            9,
            "What its scope says, from anywhere; with the roles that its person had at its issue.",
        ),
        lasts: set(
            "JWT_ACCESS_TTL",
            ttl,
            format!("Until it expires: {ttl} from its issue, and {leeway} for clocks that differ."),
        ),
        ended,
    }
}

fn refresh_token(app: &Application) -> Stolen {
    let ttl = app.settings.jwt.refresh_ttl;
    Stolen {
        thing: "Refresh token",
        opens: measured(
            8,
            "New access tokens, one after the other, until its owner uses their own copy.",
        ),
        lasts: set(
            "JWT_REFRESH_TTL",
            ttl,
            format!(
                "{ttl} at the most. It works once: whichever of the two comes second, later than \
                 {}, ends the whole family.",
                refresh::GRACE
            ),
        ),
        ended: measured(
            7,
            "Sign out, or revoke it: it is a row in the database, and gone at once.",
        ),
    }
}

fn code() -> Stolen {
    Stolen {
        thing: "Authorization code",
        opens: shown(
            "/lab/code_injected",
            "the attack",
            "Nothing: without the verifier of the browser that began, and its attempt cookie, it \
             is refused; and it works once.",
        ),
        lasts: shown(
            "/errors/attempt_expired",
            "attempt_expired",
            format!(
                "About a minute at most providers. Here an attempt ends after {}.",
                attempt::LIFETIME
            ),
        ),
        ended: measured(14, "Nobody has to: whoever came back with it first has used it up."),
    }
}

fn provider_token() -> Stolen {
    Stolen {
        thing: "Provider’s token",
        opens: shown(
            "/connections",
            "Connections",
            "What was granted at the provider, and nothing here: our API refuses a token that is \
             for another one.",
        ),
        lasts: shown(
            "/connections",
            "Connections",
            "As long as the provider says, an hour as a rule; with its refresh token until it is \
             taken back.",
        ),
        ended: shown(
            "/connections",
            "Connections",
            "Disconnect: it is revoked at the provider (RFC 7009) and erased here.",
        ),
    }
}
