//! Connections that a person has ended: revoked at the provider and then erased
//! here, also when the provider is away for a while.

use latchkey_domain::UserId;
use latchkey_domain::connection::decision::pause;
use latchkey_domain::connection::{Failure, State};
use latchkey_store::connections::Stored;
use latchkey_store::connections::ending as store;
use latchkey_store::connections::lease::{self, Lease};

use super::renewal::LEASE;
use super::{Connections, Result, failure, revocation};
use crate::oauth::Provider;
use crate::random;
use crate::vault::Pair;

pub use super::revocation::Ended;

/// How many are revoked in one round.
const AT_A_TIME: u32 = 10;

/// What came of an attempt to end a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, there and here.
    Done(Ended),
    /// It is tried again later.
    Later,
}

impl Connections {
    /// Ends a person's connection at a provider. Says what came of it; `None`
    /// when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disconnect(&self, provider: &Provider, user: UserId) -> Result<Option<Outcome>> {
        let begun = store::begin(&self.db, user, &provider.slug, self.clock.now()).await?;
        if begun == 0 && store::of_user(&self.db, user, &provider.slug).await?.is_empty() {
            return Ok(None);
        }
        self.finish(provider, user).await.map(Some)
    }

    /// Tries to end whatever a person has ended at a provider, due or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&self, provider: &Provider, user: UserId) -> Result<Outcome> {
        let mut outcome = Outcome::Done(Ended::Revoked);
        for stored in store::of_user(&self.db, user, &provider.slug).await? {
            match self.end_at(Some(provider), &stored).await? {
                Outcome::Done(Ended::Revoked) => {}
                // One that hangs is asked once: the others are tried later.
                Outcome::Later => return Ok(Outcome::Later),
                no_way => outcome = no_way,
            }
        }
        Ok(outcome)
    }

    /// One round over everything that is due, whoever's it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_what_is_due(&self, providers: &[Provider]) -> Result<()> {
        for stored in store::due(&self.db, self.clock.now(), AT_A_TIME).await? {
            let slug = &stored.connection.provider;
            let provider = providers.iter().find(|provider| provider.slug == *slug);
            let outcome = self.end_at(provider, &stored).await?;
            tracing::info!(provider = slug, ?outcome, "a grant was to be ended");
        }
        Ok(())
    }

    /// Ends one grant, if nobody else is at it.
    async fn end_at(&self, provider: Option<&Provider>, stored: &Stored) -> Result<Outcome> {
        let (id, now) = (stored.connection.id, self.clock.now());
        let name = format!("{}/{}", self.process, random::token());
        let lease = Lease { id, version: stored.version, by: &name };
        if !lease::take(&self.db, lease, now, now.plus(LEASE)).await? {
            return Ok(Outcome::Later);
        }
        let ended = match (provider, self.pair(stored)) {
            // What cannot be read cannot be revoked: nobody else can use it either.
            (_, None) => Ok(Ended::NoWay),
            // It is not set up here any more, and may be again.
            (None, _) => Err(Failure::Site),
            (Some(provider), Some(pair)) => {
                let revoked = revocation::revoke(&self.http, provider, &pair, now).await;
                revoked.map_err(|error| {
                    tracing::warn!(provider = provider.slug, %error, "a grant could not be ended");
                    failure::of(&error)
                })
            }
        };
        match ended {
            Ok(ended) if store::forget(&self.db, lease).await? => Ok(Outcome::Done(ended)),
            // Other tokens came meanwhile: those are next.
            Ok(_) => Ok(Outcome::Later),
            Err(what) => {
                let now = self.clock.now();
                let next = now.plus(pause(tries(stored) + 1));
                store::postpone(&self.db, lease, what, now, next).await?;
                Ok(Outcome::Later)
            }
        }
    }

    fn pair(&self, stored: &Stored) -> Option<Pair> {
        let id = stored.connection.id;
        let access = self.vault.access(id, &stored.sealed).ok()?;
        Some(Pair { access, refresh: self.vault.refresh(id, &stored.sealed).ok()? })
    }
}

fn tries(stored: &Stored) -> u32 {
    match stored.connection.state {
        State::Disconnecting { tries, .. } => tries,
        _ => 0,
    }
}
