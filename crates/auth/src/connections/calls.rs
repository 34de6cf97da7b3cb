//! Calls to connected services.

use latchkey_domain::UserId;
use latchkey_domain::connection::decision::{CallDenied, may_call, needs_refresh};
use latchkey_domain::connection::{BrokenReason, Connection, Offer, State};
use latchkey_store::connections::lease::{self, Lease};
use latchkey_store::connections::{self as store, StoredConnection};

use super::grants::{Connections, Error, Result, failure};
use super::services::{self, Entry, ServiceError};
use crate::oauth::provider::Provider;

type ServiceResult = std::result::Result<Vec<Entry>, ServiceError>;

impl Connections {
    /// Fetches a user's entries.
    ///
    /// Not cancel-safe: a rotated refresh token would be lost.
    pub async fn list(
        &self,
        provider: &Provider,
        user: UserId,
        offer: &Offer,
    ) -> Result<Vec<Entry>> {
        let mut stored = self.usable(provider, user).await?;
        require_granted(&stored, offer)?;
        let was_due = needs_refresh(stored.connection.expires_at, self.clock.now());
        if was_due {
            stored = self.refreshed(provider, stored, offer).await?;
        }
        match self.call(provider, &stored, offer).await? {
            // A refresh shows whether the grant was revoked.
            Err(ServiceError::InvalidToken) if stored.connection.renewable && !was_due => {
                let refreshed = self.refreshed(provider, stored, offer).await?;
                let result = self.call(provider, &refreshed, offer).await?;
                self.record_result(refreshed, result).await
            }
            result => self.record_result(stored, result).await,
        }
    }

    /// Refreshes the access token before it expires.
    ///
    /// Not cancel-safe: a rotated refresh token would be lost.
    pub async fn refresh_now(&self, provider: &Provider, user: UserId) -> Result<()> {
        let stored = self.usable(provider, user).await?;
        if !stored.connection.renewable {
            return Err(Error::NotRenewable);
        }
        self.refresh(provider, stored).await.map(drop)
    }

    /// The connection, unless the user has to reconnect.
    async fn usable(&self, provider: &Provider, user: UserId) -> Result<StoredConnection> {
        let current = store::current(&self.db, user, &provider.slug).await?;
        let stored = self.recover(provider, current.ok_or(Error::NotConnected)?).await?;
        if let State::NeedsReconnect { reason, .. } = stored.connection.state {
            return Err(Error::Reconnect { reason, newly_broken: false });
        }
        if stored.issuer != provider.issuer() {
            return Err(self.mark_broken(unleased(&stored), BrokenReason::IssuerChanged).await?);
        }
        Ok(stored)
    }

    /// A user's connections, including those that are being disconnected, the newest first;
    /// and their subjects at `issuer`.
    pub async fn of_user(
        &self,
        providers: &[Provider],
        user: UserId,
        issuer: Option<&str>,
    ) -> Result<(Vec<Connection>, Vec<String>)> {
        let mut all = Vec::new();
        let (connections, subjects) = store::of_user(&self.db, user, issuer).await?;
        for stored in connections {
            let slug = &stored.connection.provider;
            let stored = match providers.iter().find(|provider| provider.slug == *slug) {
                Some(provider) => self.recover(provider, stored).await?,
                None => stored,
            };
            all.push(stored.connection);
        }
        Ok((all, subjects))
    }

    /// Repairs a connection that broke because of our settings, once they fit again.
    async fn recover(
        &self,
        provider: &Provider,
        stored: StoredConnection,
    ) -> Result<StoredConnection> {
        let State::NeedsReconnect { reason, .. } = stored.connection.state else {
            return Ok(stored);
        };
        let is_ours = matches!(reason, BrokenReason::Unreadable | BrokenReason::IssuerChanged);
        if !is_ours || stored.issuer != provider.issuer() || self.vault.tokens(&stored).is_err() {
            return Ok(stored);
        }
        let id = stored.connection.id;
        lease::clear_broken(&self.db, id, stored.version, reason).await?;
        Ok(lease::find(&self.db, id).await?.unwrap_or(stored))
    }

    /// Refreshes, and checks again: the user may have disconnected meanwhile, or the provider
    /// granted less.
    async fn refreshed(
        &self,
        provider: &Provider,
        stored: StoredConnection,
        offer: &Offer,
    ) -> Result<StoredConnection> {
        let refreshed = self.refresh(provider, stored).await?;
        require_granted(&refreshed, offer)?;
        Ok(refreshed)
    }

    async fn call(
        &self,
        provider: &Provider,
        stored: &StoredConnection,
        offer: &Offer,
    ) -> Result<ServiceResult> {
        let Ok(token) = self.vault.access(stored.connection.id, &stored.tokens) else {
            return Err(self.mark_broken(unleased(stored), BrokenReason::Unreadable).await?);
        };
        let now = self.clock.now();
        let subject = &stored.subject;
        Ok(services::list(&self.http, provider, offer.service, subject, &token, now).await)
    }

    async fn record_result(
        &self,
        stored: StoredConnection,
        result: ServiceResult,
    ) -> Result<Vec<Entry>> {
        let (id, now) = (stored.connection.id, self.clock.now());
        match result {
            Ok(entries) => {
                store::record_use(&self.db, id, now).await?;
                Ok(entries)
            }
            Err(ServiceError::InsufficientScope) => Err(Error::NotGranted),
            Err(ServiceError::InvalidToken) => {
                Err(self.mark_broken(unleased(&stored), BrokenReason::Refused).await?)
            }
            Err(ServiceError::Failed(error)) => {
                let failure = failure(&error);
                tracing::warn!(%error, "a connected service could not be used");
                store::record_failure(&self.db, id, failure, now).await?;
                Err(Error::Unavailable(failure))
            }
        }
    }
}

fn unleased(stored: &StoredConnection) -> Lease<'static> {
    Lease { id: stored.connection.id, version: stored.version, by: "" }
}

fn require_granted(stored: &StoredConnection, offer: &Offer) -> Result<()> {
    let connection = &stored.connection;
    may_call(connection.state, &connection.granted, offer).map_err(|why| match why {
        CallDenied::NotGranted => Error::NotGranted,
        CallDenied::Reconnect(reason) => Error::Reconnect { reason, newly_broken: false },
        CallDenied::Disconnecting => Error::NotConnected,
    })
}
