//! Connections that a person has ended: revoked at the provider and then deleted
//! here, even if the provider is down for a while.

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

const AT_A_TIME: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done(Revocation),
    Later,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Person,
    Retry,
}

impl Connections {
    /// Ends a person's connection at the provider of this name, which may no
    /// longer be in the settings; `None` when there is none.
    pub async fn disconnect(
        &self,
        slug: &str,
        provider: Option<&Provider>,
        user: UserId,
    ) -> Result<Option<Outcome>> {
        let begun = store::begin(&self.db, user, slug, self.clock.now()).await?;
        let all = store::of_user(&self.db, user, slug).await?;
        if begun == 0 && all.is_empty() {
            return Ok(None);
        }
        let Some(provider) = provider else { return Ok(Some(Outcome::Later)) };
        let (here, elsewhere) = of_issuer(all, provider);
        match self.end_all(provider, here, Trigger::Person).await? {
            Outcome::Done(_) if !elsewhere.is_empty() => Ok(Some(Outcome::Later)),
            outcome => Ok(Some(outcome)),
        }
    }

    /// Whether a grant that a person has ended at a provider is not revoked yet:
    /// its revocation might revoke a new one, too.
    pub async fn is_revocation_pending(&self, provider: &Provider, user: UserId) -> Result<bool> {
        let all = store::of_user(&self.db, user, &provider.slug).await?;
        Ok(!of_issuer(all, provider).0.is_empty())
    }

    /// Tries to revoke everything that a person has ended at a provider, due or not.
    pub async fn retry_revocations(&self, provider: &Provider, user: UserId) -> Result<Outcome> {
        let all = store::of_user(&self.db, user, &provider.slug).await?;
        self.end_all(provider, of_issuer(all, provider).0, Trigger::Retry).await
    }

    async fn end_all(
        &self,
        provider: &Provider,
        all: Vec<StoredConnection>,
        trigger: Trigger,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::Done(Revocation::Revoked);
        for stored in all {
            match self.end_at(provider, &stored, trigger).await? {
                Outcome::Done(Revocation::Revoked) => {}
                // One that hangs is asked once: the others are tried later.
                Outcome::Later => return Ok(Outcome::Later),
                not_told => outcome = not_told,
            }
        }
        Ok(outcome)
    }

    /// One round over everything that is due at a provider.
    ///
    /// Cancel-safe: what was not stored is done again when the lease has run out.
    pub async fn revoke_due(&self, provider: &Provider) -> Result<()> {
        let slug = &provider.slug;
        for stored in store::due(&self.db, slug, self.clock.now(), AT_A_TIME).await? {
            let outcome = self.end_at(provider, &stored, Trigger::Retry).await?;
            tracing::info!(provider = slug, ?outcome, "a grant was to be ended");
        }
        Ok(())
    }

    async fn end_at(
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
        let ended = match self.vault.tokens(stored) {
            // The settings may name that issuer again later; no other gets its tokens.
            _ if stored.issuer != provider.issuer() => Err(Failure::Settings),
            Ok(tokens) => {
                let revoked = revocation::revoke(&self.http, provider, &tokens, now).await;
                revoked.map_err(|error| {
                    tracing::warn!(provider = provider.slug, %error, "a grant could not be ended");
                    failure(&error)
                })
            }
            Err(_) if trigger == Trigger::Person => Ok(Revocation::Unreadable),
            // APP_SECRET may be the wrong one for a while.
            Err(_) => Err(Failure::Settings),
        };
        match ended {
            Ok(ended) if store::forget(&self.db, lease).await? => Ok(Outcome::Done(ended)),
            // Other tokens came meanwhile: those are next.
            Ok(_) => Ok(Outcome::Later),
            Err(what) => {
                let now = self.clock.now();
                let next = now.plus(retry_delay(tries(stored) + 1));
                store::postpone(&self.db, lease, what, now, next).await?;
                Ok(Outcome::Later)
            }
        }
    }
}

/// Those of the issuer that a provider is now, and the rest.
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
