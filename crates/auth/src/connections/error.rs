//! What can go wrong with a connection.

use latchkey_domain::connection::{BrokenReason, Failure};

use crate::secret::EncryptError;
use crate::{http, oauth};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it is not connected")]
    NotConnected,
    /// Its scope was not granted. Nothing was sent, unless the provider said so itself.
    #[error("its scope was not granted")]
    NotGranted,
    /// Only the person can give access again.
    #[error("the person has to connect again")]
    Reconnect { because: BrokenReason, news: bool },
    #[error("the provider {}", .0.said())]
    Unavailable(Failure),
    #[error("the access token is being renewed")]
    Busy,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Codes of RFC 6749 §4.1.2.1 that some send at the token endpoint, too.
const TEMPORARY: [&str; 2] = ["server_error", "temporarily_unavailable"];

/// None of these failures ends a grant: they are temporary.
pub(super) fn failure(error: &oauth::Error) -> Failure {
    use oauth::Error::{ProviderUnavailable, TokenRefused, Unreachable};
    match error {
        Unreachable { source: http::Error::Timeout, .. } => Failure::Timeout,
        Unreachable { .. } => Failure::Unreachable,
        ProviderUnavailable { .. } => Failure::Down,
        TokenRefused { code } if TEMPORARY.contains(&code.as_str()) => Failure::Down,
        // RFC 6749 §5.2: `invalid_client`, `unauthorized_client` and the like.
        TokenRefused { .. } => Failure::Site,
        _ => Failure::InvalidResponse,
    }
}
