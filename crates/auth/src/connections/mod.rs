//! Services at providers that people have connected: used, renewed, ended.
//!
//! | step | where |
//! |---|---|
//! | what is asked for, so that it lasts | `consent` |
//! | the tokens are written down, sealed | [`Connections::keep`] |
//! | a call, with what was granted | [`Connections::list`], [`services`] |
//! | a new access token, by one of many | `renewal` |
//! | the end: revoked there, erased here | [`ending`], `revocation` |

pub(crate) mod consent;
pub mod ending;
mod failure;
mod gates;
mod keep;
mod renewal;
mod revocation;
pub mod services;

use latchkey_domain::connection::decision::{NotNow, is_due, may_call};
use latchkey_domain::connection::{Because, Connection, Failure, Offer, State};
use latchkey_domain::{Clock, UserId};
use latchkey_store::Db;
use latchkey_store::connections::lease::{self, Lease};
use latchkey_store::connections::{self as store, Stored};

use crate::http::Outbound;
use crate::oauth::Provider;
use crate::random;
use crate::vault::Vault;
use gates::Gates;
use services::{Entry, Refused};

/// What was asked of a connected service, and did not come.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such connection, or none any more.
    #[error("it is not connected")]
    NotConnected,
    /// Its scope was not granted. Nothing was sent, unless the provider said so itself.
    #[error("its scope was not granted")]
    NotGranted,
    /// Only the person can give it again.
    #[error("the person has to connect again")]
    Reconnect {
        because: Because,
        /// Whether it was found out just now.
        news: bool,
    },
    /// It may work again in a while.
    #[error("the provider {}", .0.said())]
    Unavailable(Failure),
    /// Somebody else renews the access token and has not come to an end.
    #[error("the access token is being renewed")]
    Busy,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
}

/// The outcome of a step.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that is done with connections.
#[derive(Debug)]
pub struct Connections {
    db: Db,
    http: Outbound,
    vault: Vault,
    clock: Clock,
    process: String,
    gates: Gates,
}

impl Connections {
    #[must_use]
    pub fn new(db: Db, http: Outbound, vault: Vault, clock: Clock) -> Self {
        Self { db, http, vault, clock, process: random::token(), gates: Gates::default() }
    }

    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What a service holds for a person, asked for now.
    ///
    /// To be run to its end whether or not somebody still waits for it: a
    /// rotated refresh token that is dropped on the way is lost.
    ///
    /// # Errors
    /// Says whether it was not granted, has to be granted again, or does not
    /// work at the moment.
    pub async fn list(
        &self,
        provider: &Provider,
        user: UserId,
        offer: &Offer,
    ) -> Result<Vec<Entry>> {
        let current = store::current(&self.db, user, &provider.slug).await?;
        let mut stored = self.sound(provider, current.ok_or(Error::NotConnected)?).await?;
        allowed(&stored, offer)?;
        if stored.issuer != provider.issuer() {
            return Err(self.over(&stored, Because::Elsewhere).await?);
        }
        let was_due = is_due(stored.connection.expires_at, self.clock.now());
        if was_due {
            stored = self.renewed(provider, stored, offer).await?;
        }
        match self.call(provider, &stored, offer).await? {
            // It may have been taken back: the refresh token will tell.
            Err(Refused::Token) if stored.connection.renewable && !was_due => {
                let renewed = self.renewed(provider, stored, offer).await?;
                let answer = self.call(provider, &renewed, offer).await?;
                self.settle(renewed, answer).await
            }
            answer => self.settle(stored, answer).await,
        }
    }

    /// Every connection of a person that is not over, and those that are being
    /// ended, the newest first.
    pub async fn of_user(&self, providers: &[Provider], user: UserId) -> Result<Vec<Connection>> {
        let mut all = Vec::new();
        for stored in store::of_user(&self.db, user).await? {
            let slug = &stored.connection.provider;
            let stored = match providers.iter().find(|provider| provider.slug == *slug) {
                Some(provider) => self.sound(provider, stored).await?,
                None => stored,
            };
            all.push(stored.connection);
        }
        Ok(all)
    }

    /// What was found wrong on our side only, and is right again, lives on: the
    /// settings name that issuer again, or `APP_SECRET` opens the tokens again.
    async fn sound(&self, provider: &Provider, stored: Stored) -> Result<Stored> {
        let State::NeedsReconnect { because, .. } = stored.connection.state else {
            return Ok(stored);
        };
        let ours = matches!(because, Because::Unreadable | Because::Elsewhere);
        if !ours || stored.issuer != provider.issuer() || self.vault.pair(&stored).is_err() {
            return Ok(stored);
        }
        let id = stored.connection.id;
        lease::mended(&self.db, id, stored.version, because).await?;
        Ok(lease::find(&self.db, id).await?.unwrap_or(stored))
    }

    /// With a new access token, and still allowed: the person may have ended it
    /// meanwhile, or the provider granted less.
    async fn renewed(&self, provider: &Provider, stored: Stored, offer: &Offer) -> Result<Stored> {
        let renewed = self.renew(provider, stored).await?;
        allowed(&renewed, offer)?;
        Ok(renewed)
    }

    async fn call(
        &self,
        provider: &Provider,
        stored: &Stored,
        offer: &Offer,
    ) -> Result<std::result::Result<Vec<Entry>, Refused>> {
        let Ok(token) = self.vault.access(stored.connection.id, &stored.sealed) else {
            return Err(self.over(stored, Because::Unreadable).await?);
        };
        let now = self.clock.now();
        let subject = &stored.subject;
        Ok(services::list(&self.http, provider, offer.service, subject, &token, now).await)
    }

    /// Writes down how a call went.
    async fn settle(
        &self,
        stored: Stored,
        answer: std::result::Result<Vec<Entry>, Refused>,
    ) -> Result<Vec<Entry>> {
        let (id, now) = (stored.connection.id, self.clock.now());
        match answer {
            Ok(entries) => {
                store::used(&self.db, id, now).await?;
                Ok(entries)
            }
            Err(Refused::Scope) => Err(Error::NotGranted),
            Err(Refused::Token) => Err(self.over(&stored, Because::Refused).await?),
            Err(Refused::Failed(error)) => {
                let what = failure::of(&error);
                tracing::warn!(%error, "a connected service could not be used");
                store::troubled(&self.db, id, what, now).await?;
                Err(Error::Unavailable(what))
            }
        }
    }

    /// Writes down that the grant is over, outside of a lease.
    async fn over(&self, stored: &Stored, because: Because) -> Result<Error> {
        let lease = Lease { id: stored.connection.id, version: stored.version, by: "" };
        let news = lease::broken(&self.db, lease, because, self.clock.now()).await?;
        Ok(Error::Reconnect { because, news })
    }
}

fn allowed(stored: &Stored, offer: &Offer) -> Result<()> {
    let connection = &stored.connection;
    may_call(connection.state, &connection.granted, offer).map_err(|why| match why {
        NotNow::NotGranted => Error::NotGranted,
        NotNow::Reconnect(because) => Error::Reconnect { because, news: false },
        NotNow::Disconnecting => Error::NotConnected,
    })
}
