//! What went wrong at a provider, as it is kept.

use latchkey_domain::connection::Failure;

use crate::http;
use crate::oauth::Error;

/// Codes of RFC 6749 §4.1.2.1 that some say at the token endpoint, too.
const PASSING: [&str; 2] = ["server_error", "temporarily_unavailable"];

/// What kind of failure it is. None of them ends a grant: they pass.
pub(super) fn of(error: &Error) -> Failure {
    match error {
        Error::Unreachable { source: http::Error::Timeout, .. } => Failure::Timeout,
        Error::Unreachable { .. } => Failure::Unreachable,
        Error::OutOfOrder { .. } => Failure::Down,
        Error::TokenRefused { code } if PASSING.contains(&code.as_str()) => Failure::Down,
        // RFC 6749 §5.2: `invalid_client`, `unauthorized_client` and the like.
        Error::TokenRefused { .. } => Failure::Site,
        _ => Failure::Nonsense,
    }
}
