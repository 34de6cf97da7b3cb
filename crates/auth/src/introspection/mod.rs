//! Token introspection (RFC 7662): asks an authorization server about its opaque tokens.
//!
//! [`validate`] checks a response. [`Introspection`] sends the requests: one at a time for each
//! token, one per second while the server is unavailable, with a cache of a few seconds.

mod authorizations;
mod breaker;
mod client;
mod coalescer;
mod response;

use std::sync::Arc;

use latchkey_domain::{Clock, Scopes, Span, Subject, Timestamp, User};
use latchkey_store::{Db, identities};
use url::Url;

use crate::http::Outbound;
use crate::jose::{Members, base64url};
use crate::tokens::verify::MAX_BYTES;
use authorizations::Authorizations;
use client::{Client, WaitTimer};
use coalescer::Coalescer;

pub use authorizations::Authorization;
pub use client::{CallCounter, Config, Unavailable};
pub use response::{Expected, Rejection, TokenInfo, validate};

/// A revoked token is rejected after this, at the latest.
pub const MAX_CACHE_TTL: Span = Span::seconds(5);

/// A client that keeps sending a rejected token costs one call per second.
const REJECTION_CACHE_TTL: Span = Span::seconds(1);

/// What a user allowed an app to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    pub user: Arc<User>,
    pub scopes: Scopes,
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("the token's subject has no account here")]
    UnknownSubject,
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
    results: Coalescer<Result<Arc<Delegation>, Error>>,
}

impl Introspection {
    /// Makes no request: a server that is down must not keep the app from starting.
    pub fn new(config: Config, http: Outbound, db: Db) -> Self {
        Self {
            client: Client::new(http.clone(), &config),
            authorizations: Authorizations::new(Client::new(http, &config), config.issuer.clone()),
            db,
            results: Coalescer::new(),
            config,
        }
    }

    pub fn issuer(&self) -> Option<&str> {
        self.config.issuer.as_deref()
    }

    pub fn url(&self) -> &Url {
        &self.config.url
    }

    /// What the bearer of a token may do, and for which user. `calls` counts the
    /// introspection calls of this request.
    pub async fn delegation(
        &self,
        token: &str,
        clock: &Clock,
        calls: &CallCounter,
    ) -> Result<Arc<Delegation>, Error> {
        let (now, wait) = (clock.now(), calls.start_wait());
        match self.results.cached(token, now).await {
            Some(outcome) => outcome,
            // Boxed: the future has several kilobytes, which a cached result does not need.
            None => Box::pin(self.fetch_coalesced(token, clock, calls, (now, wait))).await,
        }
    }

    async fn fetch_coalesced(
        &self,
        token: &str,
        clock: &Clock,
        calls: &CallCounter,
        (started_at, wait): (Timestamp, WaitTimer<'_>),
    ) -> Result<Arc<Delegation>, Error> {
        let fetch = async {
            let fetched = self.fetch(token, clock, wait).await;
            let valid_until = self.valid_until(started_at, &fetched);
            (fetched.map(|(delegation, _)| delegation), valid_until)
        };
        if self.cache_ttl() == Span::millis(0) {
            return fetch.await.0;
        }
        match self.results.get(token, started_at, fetch).await {
            Some(outcome) => outcome,
            // The result of another request is too old for this one.
            None => Ok(self.fetch(token, clock, calls.start_wait()).await?.0),
        }
    }

    /// For a revoked authorization or a deleted account. Results in flight are not cached
    /// either.
    pub fn clear_cache(&self) {
        self.results.clear();
    }

    /// The apps that a user has authorized; `None` if the server has no list.
    pub async fn authorizations(
        &self,
        subject: &Subject,
        clock: &Clock,
    ) -> Result<Option<Vec<Authorization>>, Unavailable> {
        self.authorizations.list(subject, clock).await
    }

    /// Revokes an app's access: immediately in this process, and within the cache's lifetime
    /// in others. On an error, the access is unchanged.
    pub async fn revoke(&self, id: &str, clock: &Clock) -> Result<(), Unavailable> {
        self.authorizations.revoke(id, clock).await?;
        self.clear_cache();
        Ok(())
    }

    async fn fetch(
        &self,
        token: &str,
        clock: &Clock,
        wait: WaitTimer<'_>,
    ) -> Result<(Arc<Delegation>, Option<Timestamp>), Error> {
        let response = self.client.introspect(token, clock, wait).await?;
        let info = validate(&response, &self.config.expected, clock.now())?;
        let issuer = info.issuer.as_deref().or(self.config.issuer.as_deref());
        // The subject of an identity at that issuer, or our own user ID. No account is created.
        let user =
            identities::find_user_by_subject(&self.db, issuer.unwrap_or_default(), &info.subject)
                .await?
                .ok_or(Error::UnknownSubject)?;
        let TokenInfo { scopes, client_id, expires_at, .. } = info;
        let user = Arc::new(user);
        Ok((Arc::new(Delegation { user, scopes, client_id }), expires_at))
    }

    fn cache_ttl(&self) -> Span {
        self.config.cache_ttl.min(MAX_CACHE_TTL)
    }

    /// The end of the cache's lifetime; `None` for failures, which are not cached.
    fn valid_until(
        &self,
        started_at: Timestamp,
        fetched: &Result<(Arc<Delegation>, Option<Timestamp>), Error>,
    ) -> Option<Timestamp> {
        match fetched {
            Ok((_, expires_at)) => {
                let end = started_at.plus(self.cache_ttl());
                Some(expires_at.map_or(end, |expires_at| end.min(expires_at)))
            }
            Err(Error::Rejected(_) | Error::UnknownSubject) => {
                Some(started_at.plus(self.cache_ttl().min(REJECTION_CACHE_TTL)))
            }
            Err(Error::Unavailable(_) | Error::Store(_)) => None,
        }
    }
}

/// Introspects a made-up token. Returns whether the server says that it is active, which would
/// be wrong.
pub async fn probe(config: &Config, http: &Outbound, clock: &Clock) -> Result<bool, Unavailable> {
    let client = Client::new(http.clone(), config);
    let calls = CallCounter::default();
    let response = client.introspect("nobody-issued-this-token", clock, calls.start_wait()).await?;
    Ok(response.get("active") != Some(&serde_json::Value::Bool(false)))
}

/// Whether to introspect a token.
///
/// Not if its header or its claims look like those of a JWT, however damaged the rest: its
/// verification gives the best error, and the server never sees the claims of a forgery. Nor
/// if it is too long or no `b64token` (RFC 6750 §2.1).
pub fn is_opaque(token: &str) -> bool {
    let chars = token.trim_end_matches('=');
    let is_token = token.len() <= MAX_BYTES
        && !chars.is_empty()
        && chars.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    is_token && !begins_like_a_jwt(token) && !has_claims(token)
}

fn begins_like_a_jwt(token: &str) -> bool {
    let Some((header, _)) = token.split_once('.') else { return false };
    base64url::decode(header).is_some_and(|json| Members::parse(&json).is_some())
}

fn has_claims(token: &str) -> bool {
    let parts: Option<Vec<_>> = token.split('.').map(base64url::decode).collect();
    matches!(parts.as_deref(), Some([_, claims, _]) if Members::parse(claims).is_some())
}
