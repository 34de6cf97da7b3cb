//! A new access token (RFC 6749 §6).
//!
//! A rotating refresh token works once. So only one refresh runs at a time (a
//! mutex in each process, a lease across processes); those who wait share its
//! result, including failures.

use std::time::Duration;

use latchkey_domain::Span;
use latchkey_domain::connection::{BrokenReason, Failure, State};
use latchkey_store::connections::lease::{self, Lease, Renewed};
use latchkey_store::connections::{self as store, Stored};

use super::error::{Error, Result, failure};
use super::grants::{Connections, retry_unavailable};
use crate::http::TIMEOUT;
use crate::oauth::provider::Provider;
use crate::oauth::token::{self, Tokens};
use crate::oauth::{self, flow};
use crate::vault::ProviderTokens;

/// Longer than three calls can take (discovery and two revocations; discovery
/// and a refresh are two). After a crash of the holder, others go on after this.
pub(super) const LEASE: Span = Span::seconds(30);

const _: () = assert!(LEASE.as_seconds() > 3 * TIMEOUT.as_secs().cast_signed());

/// How long to wait for another process…
const PATIENCE: Duration = TIMEOUT;

const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
enum Meaning {
    Refreshed(Box<Tokens>),
    Over,
    Later(Failure),
}

fn meaning(answer: std::result::Result<Tokens, oauth::Error>) -> Meaning {
    match answer {
        Ok(tokens) => Meaning::Refreshed(Box::new(tokens)),
        Err(oauth::Error::CodeRefused) => Meaning::Over,
        Err(error) => Meaning::Later(failure(&error)),
    }
}

impl Connections {
    /// The same connection with an access token that is newer than `stale`'s.
    pub(super) async fn refresh(&self, provider: &Provider, stale: Stored) -> Result<Stored> {
        let id = stale.connection.id;
        let mutex = self.refreshing.get(id);
        let mut waited = mutex.try_lock().is_err();
        let began = self.clock.now();
        let _held = mutex.lock().await;
        let holder = self.lease_holder();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let stored = lease::find(&self.db, id).await?.ok_or(Error::NotConnected)?;
            if let Some(outcome) = result_of_others(&stale, &stored) {
                return outcome.map(|()| stored);
            }
            // A queue before a provider that hangs would take minutes.
            if let Some(trouble) = stored.connection.trouble.filter(|one| waited && one.at >= began)
            {
                return Err(Error::Unavailable(trouble.what));
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
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn refresh_leased(
        &self,
        provider: &Provider,
        stored: Stored,
        lease: Lease<'_>,
    ) -> Result<Stored> {
        let id = stored.connection.id;
        let refresh_token = match self.vault.refresh(id, &stored.sealed) {
            Ok(Some(token)) => token,
            Ok(None) => return Err(self.mark_broken(lease, BrokenReason::Expired).await?),
            Err(_) => return Err(self.mark_broken(lease, BrokenReason::Unreadable).await?),
        };
        let answer = async {
            let endpoints = flow::endpoints(&self.http, provider, self.clock.now()).await?;
            token::refresh(&self.http, provider, &endpoints, &refresh_token).await
        };
        match meaning(answer.await) {
            Meaning::Refreshed(tokens) => {
                let ProviderTokens { access, refresh } = ProviderTokens::from(&*tokens);
                // RFC 6749 §6: without a new refresh token the old one stays valid.
                let refresh = refresh.or(Some(refresh_token));
                let now = self.clock.now();
                let renewed = Renewed {
                    sealed: self.vault.seal(id, &ProviderTokens { access, refresh })?,
                    expires_at: tokens.lifetime().map(|span| now.plus(span)),
                    granted: tokens.granted(),
                };
                let write = || lease::renewed(&self.db, lease, &renewed, self.clock.now());
                retry_unavailable(write).await?;
                lease::find(&self.db, id).await?.ok_or(Error::NotConnected)
            }
            Meaning::Over => Err(self.mark_broken(lease, BrokenReason::Revoked).await?),
            Meaning::Later(what) => {
                tracing::warn!(provider = provider.slug, ?what, "an access token was not renewed");
                store::troubled(&self.db, id, what, self.clock.now()).await?;
                lease::release(&self.db, lease).await?;
                Err(Error::Unavailable(what))
            }
        }
    }
}

/// What another task or process has stored meanwhile, if any has.
fn result_of_others(stale: &Stored, stored: &Stored) -> Option<Result<()>> {
    match stored.connection.state {
        State::Disconnecting { .. } => Some(Err(Error::NotConnected)),
        State::NeedsReconnect { because, .. } => {
            Some(Err(Error::Reconnect { because, news: false }))
        }
        State::Living => (stored.version != stale.version).then_some(Ok(())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;
    use crate::oauth::Error as E;
    use ::http::StatusCode;

    #[test]
    fn only_invalid_grant_ends_a_grant() {
        let step = oauth::Step::Token;
        let unreachable = |source| E::Unreachable { step, source };
        let status = StatusCode::SERVICE_UNAVAILABLE;
        for (answer, over, later) in [
            (E::CodeRefused, true, None),
            (E::TokenRefused { code: "invalid_client".to_owned() }, false, Some(Failure::Site)),
            (unreachable(http::Error::Timeout), false, Some(Failure::Timeout)),
            (unreachable(http::Error::Connect), false, Some(Failure::Unreachable)),
            (E::ProviderUnavailable { step, status }, false, Some(Failure::Down)),
            (E::invalid_response(step, ""), false, Some(Failure::InvalidResponse)),
        ] {
            let meant = meaning(Err(answer.clone()));
            assert_eq!(matches!(meant, Meaning::Over), over, "{answer}");
            let failure = match meant {
                Meaning::Later(failure) => Some(failure),
                _ => None,
            };
            assert_eq!(failure, later, "{answer}");
        }
    }
}
