//! Disconnecting: revokes the tokens at the provider, with retries, and then deletes them.

use latchkey_domain::UserId;
use latchkey_domain::connection::decision::retry_delay;
use latchkey_domain::connection::{Failure, State};
use latchkey_store::connections::StoredConnection;
use latchkey_store::connections::ending as store;
use latchkey_store::connections::lease::{self, Lease};

use super::grants::{Connections, Result, failure};
use super::refresh::LEASE;
use super::revocation;
use crate::oauth::provider::Provider;

pub use super::revocation::Revocation;

const BATCH_SIZE: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done(Revocation),
    Later,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    User,
    Retry,
}

impl Connections {
    /// `None` if the user has no connection at this provider. `provider` is `None` if it was
    /// removed from the settings.
    pub async fn disconnect(
        &self,
        slug: &str,
        provider: Option<&Provider>,
        user: UserId,
    ) -> Result<Option<Outcome>> {
        let started = store::begin(&self.db, user, slug, self.clock.now()).await?;
        let all = store::of_user(&self.db, user, slug).await?;
        if started == 0 && all.is_empty() {
            return Ok(None);
        }
        let Some(provider) = provider else { return Ok(Some(Outcome::Later)) };
        let (here, elsewhere) = of_issuer(all, provider);
        match self.revoke_all(provider, here, Trigger::User).await? {
            Outcome::Done(_) if !elsewhere.is_empty() => Ok(Some(Outcome::Later)),
            outcome => Ok(Some(outcome)),
        }
    }

    /// Whether a disconnected grant is not revoked yet. Its revocation might also revoke a new
    /// grant.
    pub async fn is_revocation_pending(&self, provider: &Provider, user: UserId) -> Result<bool> {
        let all = store::of_user(&self.db, user, &provider.slug).await?;
        Ok(!of_issuer(all, provider).0.is_empty())
    }

    /// Retries immediately, whether due or not.
    pub async fn retry_revocations(&self, provider: &Provider, user: UserId) -> Result<Outcome> {
        let all = store::of_user(&self.db, user, &provider.slug).await?;
        self.revoke_all(provider, of_issuer(all, provider).0, Trigger::Retry).await
    }

    async fn revoke_all(
        &self,
        provider: &Provider,
        all: Vec<StoredConnection>,
        trigger: Trigger,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::Done(Revocation::Revoked);
        for stored in all {
            match self.revoke_one(provider, &stored, trigger).await? {
                Outcome::Done(Revocation::Revoked) => {}
                // A provider that hangs is called once; the rest is retried later.
                Outcome::Later => return Ok(Outcome::Later),
                unconfirmed => outcome = unconfirmed,
            }
        }
        Ok(outcome)
    }

    /// Revokes what is due at a provider.
    ///
    /// Cancel-safe: unfinished work is repeated when the lease has expired.
    pub async fn revoke_due(&self, provider: &Provider) -> Result<()> {
        let slug = &provider.slug;
        for stored in store::due(&self.db, slug, self.clock.now(), BATCH_SIZE).await? {
            let outcome = self.revoke_one(provider, &stored, Trigger::Retry).await?;
            tracing::info!(provider = slug, ?outcome, "a disconnected grant was processed");
        }
        Ok(())
    }

    async fn revoke_one(
        &self,
        provider: &Provider,
        stored: &StoredConnection,
        trigger: Trigger,
    ) -> Result<Outcome> {
        let (id, now) = (stored.connection.id, self.clock.now());
        let holder = self.lease_holder();
        let lease = Lease { id, version: stored.version, by: &holder };
        if !lease::take(&self.db, lease, now, now.plus(LEASE)).await? {
            return Ok(Outcome::Later);
        }
        let revoked = match self.vault.tokens(stored) {
            // Only its issuer gets the tokens; the settings may name that issuer again later.
            _ if stored.issuer != provider.issuer() => Err(Failure::Settings),
            Ok(tokens) => {
                let revoked = revocation::revoke(&self.http, provider, &tokens, now).await;
                revoked.map_err(|error| {
                    tracing::warn!(provider = provider.slug, %error, "a grant could not be revoked");
                    failure(&error)
                })
            }
            Err(_) if trigger == Trigger::User => Ok(Revocation::Unreadable),
            // APP_SECRET may be wrong for a while.
            Err(_) => Err(Failure::Settings),
        };
        match revoked {
            Ok(revoked) if store::forget(&self.db, lease).await? => Ok(Outcome::Done(revoked)),
            // Newer tokens were stored meanwhile, and are next.
            Ok(_) => Ok(Outcome::Later),
            Err(failure) => {
                let now = self.clock.now();
                let next = now.plus(retry_delay(tries(stored) + 1));
                store::postpone(&self.db, lease, failure, now, next).await?;
                Ok(Outcome::Later)
            }
        }
    }
}

/// Those of the provider's current issuer, and the rest.
fn of_issuer(
    all: Vec<StoredConnection>,
    provider: &Provider,
) -> (Vec<StoredConnection>, Vec<StoredConnection>) {
    let issuer = provider.issuer();
    all.into_iter().partition(|stored| stored.issuer == issuer)
}

fn tries(stored: &StoredConnection) -> u32 {
    match stored.connection.state {
        State::Disconnecting { tries, .. } => tries,
        _ => 0,
    }
}
