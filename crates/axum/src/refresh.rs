//! Exchanging refresh tokens.

use latchkey_auth::tokens::{TokenPair, refresh};
use latchkey_domain::Span;
use latchkey_domain::audit::{Actor, Kind};

use crate::audit;
use crate::client::Client;
use crate::errors::{AppError, catalogue};
use crate::state::Latchkey;

/// The client of browsers in [`crate::config::Product::client_id`].
pub const BROWSER: &str = "web";

/// Exchanges a refresh token, and records reuse in the audit trail.
pub(crate) async fn refresh_tokens(
    latchkey: &Latchkey,
    refresh_token: &str,
    client_id: Option<&str>,
    client: &Client,
) -> Result<TokenPair, refresh::Error> {
    let now = latchkey.clock.now();
    let exchanged = latchkey.issuer.refresh(refresh_token, client_id, now).await;
    latchkey.metrics.record_refresh(match &exchanged {
        Ok(_) => "ok",
        Err(refresh::Error::Unknown) => "unknown",
        Err(refresh::Error::Expired) => "expired",
        Err(refresh::Error::Ended) => "ended",
        Err(refresh::Error::Reused { .. }) => "reused",
        Err(refresh::Error::Store(_) | refresh::Error::Keys(_)) => "failed",
    });
    if let Err(refresh::Error::Reused { user, sign_in }) = &exchanged {
        latchkey.mark_revoked(*sign_in);
        audit::record(latchkey, Kind::RefreshReused, Some(*user), Actor::Unknown, "", Some(client))
            .await;
    }
    exchanged
}

impl From<refresh::Error> for AppError {
    fn from(error: refresh::Error) -> Self {
        match error {
            refresh::Error::Store(error) => error.into(),
            refresh::Error::Keys(error) => {
                tracing::error!(%error, "a token could not be signed; does every instance have both the new and the old APP_SECRET?");
                Self::new(catalogue::SIGNING_UNAVAILABLE).retry_after(Span::seconds(30))
            }
            refresh::Error::Unknown => Self::new(catalogue::REFRESH_TOKEN_UNKNOWN),
            refresh::Error::Expired => Self::new(catalogue::REFRESH_TOKEN_EXPIRED),
            refresh::Error::Ended => Self::new(catalogue::REFRESH_TOKEN_ENDED),
            refresh::Error::Reused { .. } => Self::new(catalogue::REFRESH_TOKEN_REUSED),
        }
    }
}
