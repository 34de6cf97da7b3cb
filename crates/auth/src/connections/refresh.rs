//! Refreshes access tokens (RFC 6749 §6).
//!
//! A rotating refresh token works once, so only one refresh runs at a time (a mutex in each
//! process, a lease across processes). The tasks that wait share its result, including failures.

use std::time::Duration;

use latchkey_domain::Span;
use latchkey_domain::connection::{BrokenReason, State};
use latchkey_store::connections::lease::{self, Lease, RefreshedTokens};
use latchkey_store::connections::{self as store, StoredConnection};

use super::grants::{Connections, Error, Result, failure, retry_unavailable};
use crate::http::TIMEOUT;
use crate::oauth::provider::Provider;
use crate::oauth::token;
use crate::oauth::{self, flow};
use crate::vault::ProviderTokens;

/// Longer than three calls can take (discovery and two revocations). If the holder crashes,
/// others continue after this.
pub(super) const LEASE: Span = Span::seconds(30);

const _: () = assert!(LEASE.as_seconds() > 3 * TIMEOUT.as_secs().cast_signed());

/// How long to wait for another process.
const WAIT_TIMEOUT: Duration = TIMEOUT;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl Connections {
    /// Returns the connection with a newer access token than that of `stale`.
    pub(super) async fn refresh(
        &self,
        provider: &Provider,
        stale: StoredConnection,
    ) -> Result<StoredConnection> {
        let id = stale.connection.id;
        let mutex = self.refreshing.get(id);
        let mut waited = mutex.try_lock().is_err();
        let started_at = self.clock.now();
        let _held = mutex.lock().await;
        let holder = self.lease_holder();
        let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
        loop {
            let stored = lease::find(&self.db, id).await?.ok_or(Error::NotConnected)?;
            if let Some(outcome) = result_of_other(&stale, &stored) {
                return outcome.map(|()| stored);
            }
            // With a provider that hangs, a queue of refreshes would take minutes.
            if let Some(last) =
                stored.connection.last_failure.filter(|last| waited && last.at >= started_at)
            {
                return Err(Error::Unavailable(last.failure));
            }
            let lease = Lease { id, version: stored.version, by: &holder };
            let now = self.clock.now();
            if lease::take(&self.db, lease, now, now.plus(LEASE)).await? {
                return self.refresh_leased(provider, stored, lease).await;
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(Error::Busy);
            }
            waited = true;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn refresh_leased(
        &self,
        provider: &Provider,
        stored: StoredConnection,
        lease: Lease<'_>,
    ) -> Result<StoredConnection> {
        let id = stored.connection.id;
        let refresh_token = match self.vault.refresh(id, &stored.tokens) {
            Ok(Some(token)) => token,
            Ok(None) => return Err(self.mark_broken(lease, BrokenReason::Expired).await?),
            Err(_) => return Err(self.mark_broken(lease, BrokenReason::Unreadable).await?),
        };
        let result = async {
            let endpoints = flow::endpoints(&self.http, provider, self.clock.now()).await?;
            token::refresh(&self.http, provider, &endpoints, &refresh_token).await
        };
        match result.await {
            Ok(tokens) => {
                let ProviderTokens { access, refresh } = ProviderTokens::from(&tokens);
                // RFC 6749 §6: without a new refresh token, the old one stays valid.
                let refresh = refresh.or(Some(refresh_token));
                let now = self.clock.now();
                let refreshed = RefreshedTokens {
                    tokens: self.vault.seal(id, &ProviderTokens { access, refresh })?,
                    expires_at: tokens.lifetime().map(|span| now.plus(span)),
                    granted: tokens.granted(),
                };
                let write =
                    || lease::store_refreshed(&self.db, lease, &refreshed, self.clock.now());
                retry_unavailable(write).await?;
                lease::find(&self.db, id).await?.ok_or(Error::NotConnected)
            }
            // No other error ends a grant.
            Err(oauth::Error::InvalidGrant) => {
                Err(self.mark_broken(lease, BrokenReason::Revoked).await?)
            }
            Err(error) => {
                let failure = failure(&error);
                tracing::warn!(
                    provider = provider.slug,
                    ?failure,
                    "an access token was not refreshed"
                );
                store::record_failure(&self.db, id, failure, self.clock.now()).await?;
                lease::release(&self.db, lease).await?;
                Err(Error::Unavailable(failure))
            }
        }
    }
}

/// What another task or process has stored meanwhile.
fn result_of_other(stale: &StoredConnection, stored: &StoredConnection) -> Option<Result<()>> {
    match stored.connection.state {
        State::Disconnecting { .. } => Some(Err(Error::NotConnected)),
        State::NeedsReconnect { reason, .. } => {
            Some(Err(Error::Reconnect { reason, newly_broken: false }))
        }
        State::Active => (stored.version != stale.version).then_some(Ok(())),
    }
}
