//! What went wrong with a connection, in the catalogue's words; and what was
//! done, in a sentence.

use latchkey_auth::connections::Error;
use latchkey_auth::oauth::Provider;
use latchkey_domain::Span;
use latchkey_domain::connection::Failure;

use super::act::back;
use crate::errors::{Fault, catalogue};

/// When it is worth asking again for something that is being renewed.
const SOON: Span = Span::seconds(20);

pub(super) fn fault(error: &Error, provider: &Provider) -> Fault {
    let fault = match error {
        // The store's own words, and its line in the log.
        Error::Store(_) => return store(error),
        Error::NotConnected => Fault::new(catalogue::NOT_CONNECTED),
        Error::NotGranted => Fault::new(catalogue::NOT_GRANTED),
        Error::Reconnect { because, .. } => Fault::new(catalogue::RECONNECT).detail(format!(
            "{} {}.",
            provider.label,
            because.said()
        )),
        Error::Busy => Fault::new(catalogue::RENEWING).retry_after(SOON),
        Error::Unavailable(what) => Fault::new(match what {
            Failure::Timeout => catalogue::SERVICE_TIMEOUT,
            Failure::Site | Failure::Settings => catalogue::SITE_NOT_ACCEPTED,
            _ => catalogue::SERVICE_UNAVAILABLE,
        })
        .detail(format!("{} {}.", provider.label, what.said())),
    };
    fault.at(provider).action(back(&provider.slug))
}

pub(super) fn store(error: &Error) -> Fault {
    tracing::error!(%error, "a connection could not be read or written");
    match error {
        Error::Store(latchkey_store::Error::Unavailable(_)) => Fault::new(catalogue::DATABASE_DOWN),
        _ => Fault::new(catalogue::INTERNAL),
    }
}

/// What was done, for the top of the page.
pub(super) fn sentence(done: &str, label: &str) -> Option<String> {
    Some(match done {
        "connected" => format!("{label} is connected. What you granted is below."),
        "declined" => format!("You said no at {label}. Nothing has changed."),
        "disconnected" => {
            format!("{label} is disconnected: the tokens are revoked there and erased here.")
        }
        "forgotten" => format!(
            "{label} is disconnected: the tokens are erased here. It has no way to be told, so you \
             may also want to end it in your settings there."
        ),
        "unreadable" => format!(
            "{label} is disconnected: the tokens are erased here. They could no longer be read, so \
             {label} was not told. You may want to end it in your settings there."
        ),
        "disconnecting" => format!(
            "{label} is not used any more, but did not confirm yet that the tokens are revoked. \
             Latchkey goes on asking."
        ),
        _ => return None,
    })
}
