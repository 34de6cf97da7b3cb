//! Calls of connected services, with what was granted.

use latchkey_domain::UserId;
use latchkey_domain::connection::decision::{CallDenied, may_call, needs_refresh};
use latchkey_domain::connection::{BrokenReason, Connection, Offer, State};
use latchkey_store::connections::lease::{self, Lease};
use latchkey_store::connections::{self as store, StoredConnection};

use super::grants::{Connections, Error, Result, failure};
use super::services::{self, Entry, Refused};
use crate::oauth::provider::Provider;

type Answer = std::result::Result<Vec<Entry>, Refused>;

impl Connections {
    /// What a service has for a person, fetched now.
    ///
    /// Must run to its end, even if nobody waits for it any more: a rotated
    /// refresh token that is dropped on the way is lost.
    pub async fn list(
        &self,
        provider: &Provider,
        user: UserId,
        offer: &Offer,
    ) -> Result<Vec<Entry>> {
        let current = store::current(&self.db, user, &provider.slug).await?;
        let mut stored = self.recover(provider, current.ok_or(Error::NotConnected)?).await?;
        allowed(&stored, offer)?;
        if stored.issuer != provider.issuer() {
            return Err(self.mark_broken(unleased(&stored), BrokenReason::IssuerChanged).await?);
        }
        let was_due = needs_refresh(stored.connection.expires_at, self.clock.now());
        if was_due {
            stored = self.refreshed(provider, stored, offer).await?;
        }
        match self.call(provider, &stored, offer).await? {
            // The grant may have been revoked: the refresh will tell.
            Err(Refused::Token) if stored.connection.renewable && !was_due => {
                let refreshed = self.refreshed(provider, stored, offer).await?;
                let answer = self.call(provider, &refreshed, offer).await?;
                self.record_result(refreshed, answer).await
            }
            answer => self.record_result(stored, answer).await,
        }
    }

    /// Every connection of a person that is not over, and those that are being
    /// ended, the newest first; and the subjects by which `issuer` knows them.
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

    /// A connection that broke on our side alone is active again when the
    /// settings name that issuer again, or `APP_SECRET` decrypts the tokens again.
    async fn recover(
        &self,
        provider: &Provider,
        stored: StoredConnection,
    ) -> Result<StoredConnection> {
        let State::NeedsReconnect { reason, .. } = stored.connection.state else {
            return Ok(stored);
        };
        let ours = matches!(reason, BrokenReason::Unreadable | BrokenReason::IssuerChanged);
        if !ours || stored.issuer != provider.issuer() || self.vault.tokens(&stored).is_err() {
            return Ok(stored);
        }
        let id = stored.connection.id;
        lease::clear_broken(&self.db, id, stored.version, reason).await?;
        Ok(lease::find(&self.db, id).await?.unwrap_or(stored))
    }

    /// With a new access token, and still allowed: the person may have ended it
    /// meanwhile, or the provider granted less.
    async fn refreshed(
        &self,
        provider: &Provider,
        stored: StoredConnection,
        offer: &Offer,
    ) -> Result<StoredConnection> {
        let refreshed = self.refresh(provider, stored).await?;
        allowed(&refreshed, offer)?;
        Ok(refreshed)
    }

    async fn call(
        &self,
        provider: &Provider,
        stored: &StoredConnection,
        offer: &Offer,
    ) -> Result<Answer> {
        let Ok(token) = self.vault.access(stored.connection.id, &stored.tokens) else {
            return Err(self.mark_broken(unleased(stored), BrokenReason::Unreadable).await?);
        };
        let now = self.clock.now();
        let subject = &stored.subject;
        Ok(services::list(&self.http, provider, offer.service, subject, &token, now).await)
    }

    async fn record_result(&self, stored: StoredConnection, answer: Answer) -> Result<Vec<Entry>> {
        let (id, now) = (stored.connection.id, self.clock.now());
        match answer {
            Ok(entries) => {
                store::record_use(&self.db, id, now).await?;
                Ok(entries)
            }
            Err(Refused::Scope) => Err(Error::NotGranted),
            Err(Refused::Token) => {
                Err(self.mark_broken(unleased(&stored), BrokenReason::Refused).await?)
            }
            Err(Refused::Failed(error)) => {
                let what = failure(&error);
                tracing::warn!(%error, "a connected service could not be used");
                store::record_failure(&self.db, id, what, now).await?;
                Err(Error::Unavailable(what))
            }
        }
    }
}

fn unleased(stored: &StoredConnection) -> Lease<'static> {
    Lease { id: stored.connection.id, version: stored.version, by: "" }
}

fn allowed(stored: &StoredConnection, offer: &Offer) -> Result<()> {
    let connection = &stored.connection;
    may_call(connection.state, &connection.granted, offer).map_err(|why| match why {
        CallDenied::NotGranted => Error::NotGranted,
        CallDenied::Reconnect(reason) => Error::Reconnect { reason, newly_broken: false },
        CallDenied::Disconnecting => Error::NotConnected,
    })
}
