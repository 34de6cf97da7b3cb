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

pub use super::revocation::Ended;

/// How many are revoked in one round.
const AT_A_TIME: u32 = 10;

/// What came of an attempt to end a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, there and here.
    Done(Ended),
    Later,
}

/// Who wants it to be ended now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The person, who asks for it and gets an answer.
    ByThePerson,
    /// Whatever goes on asking for them.
    Still,
}

impl Connections {
    /// Ends a person's connection at the provider of this name, which may have
    /// left the settings. Says what came of it; `None` when there is none.
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
        match self.end_all(provider, here, Wanted::ByThePerson).await? {
            Outcome::Done(_) if !elsewhere.is_empty() => Ok(Some(Outcome::Later)),
            outcome => Ok(Some(outcome)),
        }
    }

    /// Whether something that a person has ended at a provider is not over: it
    /// might take a new grant along.
    pub async fn is_ending(&self, provider: &Provider, user: UserId) -> Result<bool> {
        let all = store::of_user(&self.db, user, &provider.slug).await?;
        Ok(!of_issuer(all, provider).0.is_empty())
    }

    /// Tries to end whatever a person has ended at a provider, due or not.
    pub async fn finish(&self, provider: &Provider, user: UserId) -> Result<Outcome> {
        let all = store::of_user(&self.db, user, &provider.slug).await?;
        self.end_all(provider, of_issuer(all, provider).0, Wanted::Still).await
    }

    async fn end_all(
        &self,
        provider: &Provider,
        all: Vec<Stored>,
        wanted: Wanted,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::Done(Ended::Revoked);
        for stored in all {
            match self.end_at(provider, &stored, wanted).await? {
                Outcome::Done(Ended::Revoked) => {}
                // One that hangs is asked once: the others are tried later.
                Outcome::Later => return Ok(Outcome::Later),
                not_told => outcome = not_told,
            }
        }
        Ok(outcome)
    }

    /// One round over everything that is due at a provider, whoever's it was.
    ///
    /// May be dropped at any point: what was not written down is done again when
    /// the lease has run out.
    pub async fn end_what_is_due(&self, provider: &Provider) -> Result<()> {
        let slug = &provider.slug;
        for stored in store::due(&self.db, slug, self.clock.now(), AT_A_TIME).await? {
            let outcome = self.end_at(provider, &stored, Wanted::Still).await?;
            tracing::info!(provider = slug, ?outcome, "a grant was to be ended");
        }
        Ok(())
    }

    /// Ends one grant, if nobody else is at it.
    async fn end_at(
        &self,
        provider: &Provider,
        stored: &Stored,
        wanted: Wanted,
    ) -> Result<Outcome> {
        let (id, now) = (stored.connection.id, self.clock.now());
        let name = format!("{}/{}", self.process, random::token());
        let lease = Lease { id, version: stored.version, by: &name };
        if !lease::take(&self.db, lease, now, now.plus(LEASE)).await? {
            return Ok(Outcome::Later);
        }
        let ended = match self.vault.pair(stored) {
            // The settings may name that issuer again: nobody else gets its tokens.
            _ if stored.issuer != provider.issuer() => Err(Failure::Settings),
            Ok(pair) => {
                let revoked = revocation::revoke(&self.http, provider, &pair, now).await;
                revoked.map_err(|error| {
                    tracing::warn!(provider = provider.slug, %error, "a grant could not be ended");
                    failure::of(&error)
                })
            }
            Err(_) if wanted == Wanted::ByThePerson => Ok(Ended::Unreadable),
            // APP_SECRET may be the wrong one for an hour, or not here yet.
            Err(_) => Err(Failure::Settings),
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
}

/// Those of the issuer that a provider is now, and the rest.
fn of_issuer(all: Vec<Stored>, provider: &Provider) -> (Vec<Stored>, Vec<Stored>) {
    let issuer = provider.issuer();
    all.into_iter().partition(|stored| stored.issuer == issuer)
}

fn tries(stored: &Stored) -> u32 {
    match stored.connection.state {
        State::Disconnecting { tries, .. } => tries,
        _ => 0,
    }
}
