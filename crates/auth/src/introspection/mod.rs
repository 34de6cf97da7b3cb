//! Somebody else's key: an opaque OAuth token that says nothing by itself, so
//! the authorization server that issued it is asked (RFC 7662).
//!
//! [`validate`] says what an answer means, and asks nobody. [`Introspection`] goes
//! and asks: once for a token however many requests show it at the same time,
//! not more than once a second when nobody answers, and what it heard is
//! believed for a few seconds at the most.

mod answer;
mod authorizations;
mod breaker;
mod client;
mod coalescer;

use std::sync::Arc;

use latchkey_domain::{Clock, Scopes, Span, Subject, Timestamp, User};
use latchkey_store::{Db, identities};
use url::Url;

use crate::http::Outbound;
use crate::jose::{Members, base64url};
use crate::tokens::verify::MAX_BYTES;
use authorizations::Authorizations;
use client::{Client, Wait};
use coalescer::Coalescer;

pub use answer::{Expected, Rejection, TokenInfo, validate};
pub use authorizations::Authorization;
pub use client::{CallCounter, Config, Unavailable};

/// The longest that an answer may be believed: what was revoked is refused
/// after so long at the latest.
pub const MAX_CACHE_TTL: Span = Span::seconds(5);

/// How long a refusal is believed, so that a program that does not stop costs
/// one call a second.
const REFUSAL_REMEMBERED: Span = Span::seconds(1);

/// What a person let an app do here: the meaning of a token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    pub user: Arc<User>,
    pub scopes: Scopes,
    /// The app, by the name that its authorization server gave it.
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("the token belongs to somebody who has no account here")]
    UnknownSubject,
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

#[derive(Debug)]
pub struct Introspection {
    config: Config,
    client: Client,
    authorizations: Authorizations,
    db: Db,
    answers: Coalescer<Result<Arc<Delegation>, Error>>,
}

impl Introspection {
    /// Calls nobody yet: a server that is down must not keep the app from starting.
    pub fn new(config: Config, http: Outbound, db: Db) -> Self {
        Self {
            client: Client::new(http.clone(), &config),
            authorizations: Authorizations::new(Client::new(http, &config), config.issuer.clone()),
            db,
            answers: Coalescer::new(),
            config,
        }
    }

    /// The issuer of the tokens, as far as it is known.
    pub fn issuer(&self) -> Option<&str> {
        self.config.issuer.as_deref()
    }

    pub fn url(&self) -> &Url {
        &self.config.url
    }

    /// What somebody who shows this token may do, and in whose name. `calls`
    /// counts what had to be asked for this very request.
    pub async fn delegation(
        &self,
        token: &str,
        clock: &Clock,
        calls: &CallCounter,
    ) -> Result<Arc<Delegation>, Error> {
        let (came, wait) = (clock.now(), calls.waiting());
        // Asking is a future of several kilobytes, which nobody should carry around who
        // shows a token that is known.
        match self.answers.known(token, came).await {
            Some(outcome) => outcome,
            None => Box::pin(self.find_out(token, clock, calls, (came, wait))).await,
        }
    }

    async fn find_out(
        &self,
        token: &str,
        clock: &Clock,
        calls: &CallCounter,
        (came, wait): (Timestamp, Wait<'_>),
    ) -> Result<Arc<Delegation>, Error> {
        let ask = async {
            let asked = self.ask(token, clock, wait).await;
            let believed_until = self.believed_until(came, &asked);
            (asked.map(|(delegation, _)| delegation), believed_until)
        };
        if self.longest() == Span::millis(0) {
            return ask.await.0;
        }
        match self.answers.get(token, came, ask).await {
            Some(outcome) => outcome,
            // What another request brought is too old for this one.
            None => Ok(self.ask(token, clock, calls.waiting()).await?.0),
        }
    }

    /// Forgets every answer, because one of them may be wrong by now: somebody
    /// ended an app's access, or deleted their account. Each token costs one
    /// more call than it would have; and an answer that is on its way is not
    /// remembered either.
    pub fn clear_cache(&self) {
        self.answers.forget_all();
    }

    /// Which apps somebody let in; `None` when the server does not tell.
    pub async fn authorizations(
        &self,
        subject: &Subject,
        clock: &Clock,
    ) -> Result<Option<Vec<Authorization>>, Unavailable> {
        self.authorizations.list(subject, clock).await
    }

    /// Ends an app's access. It is felt at once in this process, and when what
    /// was heard before is no longer believed in every other.
    /// When the server does not confirm it, the access is as it was.
    pub async fn revoke(&self, id: &str, clock: &Clock) -> Result<(), Unavailable> {
        self.authorizations.revoke(id, clock).await?;
        self.clear_cache();
        Ok(())
    }

    async fn ask(
        &self,
        token: &str,
        clock: &Clock,
        wait: Wait<'_>,
    ) -> Result<(Arc<Delegation>, Option<Timestamp>), Error> {
        let answer = self.client.introspect(token, clock, wait).await?;
        let info = validate(&answer, &self.config.expected, clock.now())?;
        let issuer = info.issuer.as_deref().or(self.config.issuer.as_deref());
        // The identity at that issuer, or the account itself where the
        // authorization server speaks our ids. No account is made.
        let user =
            identities::find_user_by_subject(&self.db, issuer.unwrap_or_default(), &info.subject)
                .await?
                .ok_or(Error::UnknownSubject)?;
        let TokenInfo { scopes, client_id, expires_at, .. } = info;
        let user = Arc::new(user);
        Ok((Arc::new(Delegation { user, scopes, client_id }), expires_at))
    }

    fn longest(&self) -> Span {
        self.config.cache_ttl.min(MAX_CACHE_TTL)
    }

    /// Until when an answer to a request that began then is believed; failures
    /// are not.
    fn believed_until(
        &self,
        began: Timestamp,
        asked: &Result<(Arc<Delegation>, Option<Timestamp>), Error>,
    ) -> Option<Timestamp> {
        match asked {
            Ok((_, expires_at)) => {
                let end = began.plus(self.longest());
                Some(expires_at.map_or(end, |expires_at| end.min(expires_at)))
            }
            Err(Error::Rejected(_) | Error::UnknownSubject) => {
                Some(began.plus(self.longest().min(REFUSAL_REMEMBERED)))
            }
            Err(Error::Unavailable(_) | Error::Store(_)) => None,
        }
    }
}

/// Asks about a token that nobody issued, and says whether the server vouches
/// for it, which it must not.
pub async fn probe(config: &Config, http: &Outbound, clock: &Clock) -> Result<bool, Unavailable> {
    let client = Client::new(http.clone(), config);
    let calls = CallCounter::default();
    let answer = client.introspect("nobody-issued-this-token", clock, calls.waiting()).await?;
    Ok(answer.get("active") != Some(&serde_json::Value::Bool(false)))
}

/// Whether a token is worth asking its issuer about.
///
/// What begins like a JWT, with a JSON object in base64url, is judged as one,
/// however damaged the rest, and so is one whose header alone is damaged: its own
/// checks say best what is wrong with it, and nobody is told the claims of a forgery.
/// What has a character that no bearer token has
/// (RFC 6750 §2.1 `b64token`), or is too long for any, is nobody's token.
pub fn is_opaque(token: &str) -> bool {
    let signs = token.trim_end_matches('=');
    let is_token = token.len() <= MAX_BYTES
        && !signs.is_empty()
        && signs.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    is_token && !begins_like_a_jwt(token) && !has_claims(token)
}

fn begins_like_a_jwt(token: &str) -> bool {
    let Some((header, _)) = token.split_once('.') else { return false };
    base64url::decode(header).is_some_and(|json| Members::parse(&json).is_some())
}

/// Three parts in base64url, the second of which is a JSON object.
fn has_claims(token: &str) -> bool {
    let parts: Option<Vec<_>> = token.split('.').map(base64url::decode).collect();
    matches!(parts.as_deref(), Some([_, claims, _]) if Members::parse(claims).is_some())
}
