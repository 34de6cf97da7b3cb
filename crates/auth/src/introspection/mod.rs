//! Somebody else's key: an opaque OAuth token that says nothing by itself, so
//! the authorization server that issued it is asked (RFC 7662).
//!
//! [`judge`] says what an answer means, and asks nobody. [`Introspection`] goes
//! and asks: once for a token however many requests show it at the same time
//! (`flight`), not more than once a second when nobody answers (`breaker`),
//! and what it heard is believed for a few seconds at the most.

mod answer;
mod ask;
mod authorizations;
mod breaker;
mod flight;
pub mod kind;

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_domain::identity::Subject;
use latchkey_domain::{Clock, Scopes, Span, Timestamp, User};
use latchkey_store::{Db, identities};
use url::Url;

use crate::generations::{Generations, fingerprint};
use crate::http::Outbound;
use crate::secret::Secret;
use ask::{Asker, Wait};
use authorizations::Place;
use flight::{Flight, Latest};

pub use answer::{Expected, Judged, Refused, judge};
pub use ask::{Calls, Unavailable};
pub use authorizations::Authorization;

use answer::shown;

/// The longest that an answer may be believed: what was revoked is refused
/// after so long at the latest.
pub const MAX_REMEMBERED: Span = Span::seconds(5);

/// How long a refusal is believed, so that a program that does not stop costs
/// one call a second.
const REFUSAL_REMEMBERED: Span = Span::seconds(1);

/// Tokens that are remembered in each of two generations.
const CAPACITY: usize = 4096;

/// Where to ask, as whom, and what is expected of the answer.
#[derive(Clone, Debug)]
pub struct Config {
    /// The introspection endpoint (RFC 7662 §2).
    pub url: Url,
    pub client_id: String,
    pub client_secret: Secret,
    /// Whom a token has to be for, and who may have issued it.
    pub expected: Expected,
    /// Whose subjects these are when the answer does not say.
    pub issuer: Option<String>,
    /// How long an answer is believed, [`MAX_REMEMBERED`] at most; nothing is
    /// remembered with a span of 0.
    pub remembered_for: Span,
}

/// What a person let an app do here: the meaning of a token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    pub user: User,
    /// What the app may do.
    pub scopes: Scopes,
    /// The app, by the name that its authorization server gave it.
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It is not good, or not for us.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is good, and belongs to somebody who has no account here.
    #[error("the token belongs to somebody who has no account here")]
    Nobody,
    /// Whether it is good cannot be found out at the moment.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Store(#[from] Arc<latchkey_store::Error>),
}

impl From<latchkey_store::Error> for Error {
    fn from(error: latchkey_store::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Asks an authorization server about tokens, and remembers the answers.
#[derive(Debug)]
pub struct Introspection {
    config: Config,
    asker: Asker,
    /// Asks what people let in: trouble with that keeps no token out.
    errands: Asker,
    authorizations: Place,
    db: Db,
    tokens: Mutex<Generations<Arc<Flight>>>,
    /// Counts how often everything was forgotten.
    epoch: AtomicU64,
}

impl Introspection {
    /// Calls nobody yet: a server that is down must not keep the app from starting.
    #[must_use]
    pub fn new(config: Config, http: Outbound, db: Db) -> Self {
        let asker = Asker::new(http.clone(), &config);
        let errands = Asker::new(http, &config);
        Self {
            config,
            asker,
            errands,
            authorizations: Place::default(),
            db,
            tokens: Mutex::new(Generations::new(CAPACITY)),
            epoch: AtomicU64::new(0),
        }
    }

    /// The issuer of the tokens, as far as it is known.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.config.issuer.as_deref()
    }

    #[must_use]
    pub fn url(&self) -> &Url {
        &self.config.url
    }

    /// What somebody who shows this token may do, and in whose name. `calls`
    /// counts what had to be asked for this very request.
    ///
    /// # Errors
    /// Says why the token opens nothing.
    pub async fn delegation(
        &self,
        token: &str,
        clock: &Clock,
        calls: &Calls,
    ) -> Result<Arc<Delegation>, Error> {
        let flight = self.flight(token);
        let turn = flight.turn();
        let wait = calls.waiting();
        let mut latest = flight.wait().await;
        let epoch = self.epoch.load(Ordering::Acquire);
        let began = clock.now();
        if let Some(known) = latest.known(turn, epoch, began) {
            return known;
        }
        let number = flight.begin();
        let asked = self.ask(token, clock, wait).await;
        let good_until = self.good_until(began, &asked);
        let outcome = asked.map(|(delegation, _)| delegation);
        latest.set(Latest { number, epoch, good_until, outcome: outcome.clone() });
        outcome
    }

    /// Forgets every answer, because one of them may be wrong by now: somebody
    /// ended an app's access, or deleted their account. Each token costs one
    /// more call than it would have; and an answer that is on its way is not
    /// remembered either.
    pub fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Which apps somebody let in; `None` when the server does not tell.
    ///
    /// # Errors
    /// When it cannot be found out at the moment.
    pub async fn authorizations(
        &self,
        subject: &Subject,
        clock: &Clock,
    ) -> Result<Option<Vec<Authorization>>, Unavailable> {
        match self.place_of_authorizations(clock).await? {
            Some(place) => {
                authorizations::list(&self.errands, &place, subject, clock).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Ends an app's access. It is felt at once in this process, and when what
    /// was heard before is no longer believed in every other.
    ///
    /// # Errors
    /// When the server does not confirm it: then the access is as it was.
    pub async fn end(&self, id: &str, clock: &Clock) -> Result<(), Unavailable> {
        if let Some(place) = self.place_of_authorizations(clock).await? {
            authorizations::end(&self.errands, &place, id, clock).await?;
        }
        self.forget();
        Ok(())
    }

    async fn place_of_authorizations(&self, clock: &Clock) -> Result<Option<Url>, Unavailable> {
        match self.issuer() {
            Some(issuer) => self.authorizations.find(&self.errands, issuer, clock).await,
            None => Ok(None),
        }
    }

    async fn ask(
        &self,
        token: &str,
        clock: &Clock,
        wait: Wait<'_>,
    ) -> Result<(Arc<Delegation>, Option<Timestamp>), Error> {
        let answer = self.asker.ask(token, clock, wait).await?;
        let judged = judge(&answer, &self.config.expected, clock.now())?;
        let issuer = judged.issuer.as_deref().or(self.config.issuer.as_deref());
        let user = whose(&self.db, issuer, &judged.subject).await?.ok_or(Error::Nobody)?;
        let Judged { scopes, client_id, expires_at, .. } = judged;
        Ok((Arc::new(Delegation { user, scopes, client_id }), expires_at))
    }

    /// Until when an answer to a question that was put then is believed.
    fn good_until(
        &self,
        began: Timestamp,
        asked: &Result<(Arc<Delegation>, Option<Timestamp>), Error>,
    ) -> Timestamp {
        let longest = self.config.remembered_for.min(MAX_REMEMBERED);
        match asked {
            Ok((_, expires_at)) => {
                let end = began.plus(longest);
                expires_at.map_or(end, |expires_at| end.min(expires_at))
            }
            Err(Error::Refused(_) | Error::Nobody) => began.plus(longest.min(REFUSAL_REMEMBERED)),
            // The next one may be luckier; who waits in line shares the failure.
            Err(Error::Unavailable(_) | Error::Store(_)) => began,
        }
    }

    fn flight(&self, token: &str) -> Arc<Flight> {
        let fingerprint = fingerprint(token);
        let mut tokens = self.tokens.lock();
        tokens.get(&fingerprint).unwrap_or_else(|| {
            let flight = Arc::new(Flight::default());
            tokens.insert(fingerprint, Arc::clone(&flight));
            flight
        })
    }
}

/// Asks about a token that nobody issued, and says whether the server vouches
/// for it, which it must not.
///
/// # Errors
/// When nothing can be found out.
pub async fn probe(config: &Config, http: &Outbound, clock: &Clock) -> Result<bool, Unavailable> {
    let calls = Calls::default();
    let asker = Asker::new(http.clone(), config);
    let answer = asker.ask("nobody-issued-this-token", clock, calls.waiting()).await?;
    Ok(answer.get("active") != Some(&serde_json::Value::Bool(false)))
}

/// Whose account a subject is: the identity at that issuer, or the account
/// itself where the authorization server speaks our ids. Makes no account.
async fn whose(
    db: &Db,
    issuer: Option<&str>,
    subject: &Subject,
) -> Result<Option<User>, latchkey_store::Error> {
    identities::of_subject(db, issuer.unwrap_or_default(), subject).await
}
