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
    vec![session(app), access_token(app), refresh_token(app), code(), provider_token()]
}

fn session(app: &Application) -> Stolen {
    let life = app.settings.session;
    let said = format!("Until it is unused for {}, and for {} at most.", life.idle, life.absolute);
    let ended = if app.settings.session_cache {
        set(
            "SESSION_CACHE",
            "watch",
            "Sign out, or revoke it under Account: refused within a second.",
        )
    } else {
        measured(7, "Sign out, or revoke it under Account: refused at the next request.")
    };
    Stolen {
        thing: "Session ID",
        opens: measured(
            13,
            "Everything its owner can, on pages and on the API, except what requires a recent \
             sign-in. It takes a copied cookie: no script on the page can read it.",
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
            "Not at all: nothing checks for revocation. With JWT_REVOCATION=watch, by signing \
             out, within a second.",
        ),
        Revocation::Watch => {
            measured(7, "Sign out, or revoke it: every process refuses it within a second.")
        }
    };
    Stolen {
        thing: "Access token, a JWT",
        opens: measured(
            9,
            "Whatever its scope allows, from anywhere, with its owner’s roles when it was issued.",
        ),
        lasts: set(
            "JWT_ACCESS_TTL",
            ttl,
            format!(
                "Until it expires: {ttl} after it was issued, plus {leeway} for differing clocks."
            ),
        ),
        ended,
    }
}

fn refresh_token(app: &Application) -> Stolen {
    let ttl = app.settings.jwt.refresh_ttl;
    Stolen {
        thing: "Refresh token",
        opens: measured(8, "Get new access tokens until its owner uses their own copy."),
        lasts: set(
            "JWT_REFRESH_TTL",
            ttl,
            format!(
                "{ttl} at most. It works once: a second use after more than {} revokes the whole \
                 family.",
                refresh::GRACE
            ),
        ),
        ended: measured(7, "Sign out, or revoke it: a row in the database, gone at once."),
    }
}

fn code() -> Stolen {
    Stolen {
        thing: "Authorization code",
        opens: shown(
            "/lab/code_injected",
            "the attack",
            "Nothing: it is refused without the attempt cookie and the verifier of the browser \
             that started, and it works once.",
        ),
        lasts: shown(
            "/errors/attempt_expired",
            "attempt_expired",
            format!(
                "10 minutes at most, as RFC 6749 §4.1.2 recommends. Here an attempt expires after {}.",
                attempt::LIFETIME
            ),
        ),
        ended: measured(14, "Nothing to do: the first use has used it up."),
    }
}

fn provider_token() -> Stolen {
    Stolen {
        thing: "Provider’s token",
        opens: shown(
            "/connections",
            "Connections",
            "What was granted at the provider, and nothing here: this API refuses tokens for \
             another one.",
        ),
        lasts: shown(
            "/connections",
            "Connections",
            "As long as the provider says, usually an hour; with its refresh token, until it is \
             revoked.",
        ),
        ended: shown(
            "/connections",
            "Connections",
            "Disconnect: it is revoked at the provider (RFC 7009) and deleted here.",
        ),
    }
}
