//! What went wrong with a connection, in the catalogue's words; and what was
//! done, in a sentence.

use latchkey_auth::connections::Error;
use latchkey_auth::oauth::Provider;
use latchkey_domain::Span;
use latchkey_domain::connection::Failure;

use crate::app::Application;
use crate::errors::{Action, AppError, HandlerResult, catalogue};

/// When it is worth asking again for something that is being renewed.
const SOON: Span = Span::seconds(20);

pub(super) fn app_error(error: &Error, provider: &Provider) -> AppError {
    let error =
        match error {
            // The store's own words, and its line in the log.
            Error::Store(_) | Error::Encrypt(_) => return store(error),
            Error::NotConnected => AppError::new(catalogue::NOT_CONNECTED),
            Error::NotGranted => AppError::new(catalogue::NOT_GRANTED),
            Error::Reconnect { because, .. } => AppError::new(catalogue::RECONNECT)
                .detail(format!("{} {}.", provider.label, because.said())),
            Error::Busy => AppError::new(catalogue::RENEWING).retry_after(SOON),
            Error::Unavailable(what) => AppError::new(match what {
                Failure::Timeout => catalogue::SERVICE_TIMEOUT,
                Failure::Site | Failure::Settings => catalogue::SITE_NOT_ACCEPTED,
                _ => catalogue::SERVICE_UNAVAILABLE,
            })
            .detail(format!("{} {}.", provider.label, what.said())),
        };
    error.at(provider).action(back(&provider.slug))
}

pub(super) fn store(error: &Error) -> AppError {
    tracing::error!(%error, "a connection could not be read or written");
    match error {
        Error::Store(latchkey_store::Error::Unavailable(_)) => {
            AppError::new(catalogue::DATABASE_DOWN)
        }
        _ => AppError::new(catalogue::INTERNAL),
    }
}

/// What was done, for the top of the page.
pub(super) fn sentence(done: &str, label: &str) -> Option<String> {
    Some(match done {
        "connected" => format!("{label} is connected. See below what you granted."),
        "declined" => format!("You declined at {label}. Nothing has changed."),
        "disconnected" => {
            format!("{label} is disconnected: its tokens are revoked there and deleted here.")
        }
        "forgotten" => format!(
            "{label} is disconnected: its tokens are deleted here. They can’t be revoked from here, so \
             you may want to revoke access in your settings there."
        ),
        "unreadable" => format!(
            "{label} is disconnected: its tokens are deleted here. They were unreadable, so they could \
             not be revoked at {label}. You may want to revoke access in your settings there."
        ),
        "disconnecting" => format!(
            "Latchkey no longer uses {label}, but {label} has not yet confirmed that the tokens are \
             revoked. Latchkey keeps asking."
        ),
        _ => return None,
    })
}

/// Back to the page, with a word on what was done.
pub(super) fn done(what: &str, provider: &str) -> String {
    format!("/connections?done={what}&at={provider}#{provider}")
}

pub(super) fn provider<'a>(app: &'a Application, slug: &str) -> HandlerResult<&'a Provider> {
    app.provider(slug).ok_or_else(|| AppError::new(catalogue::UNKNOWN_PROVIDER).action(back(slug)))
}

/// To the page on which everything is.
pub(super) fn back(slug: &str) -> Action {
    // What is no name of a provider is no anchor either.
    let known = slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let anchor = if known { slug } else { "" };
    Action::link("Go to your connections", format!("/connections#{anchor}"))
}
