//! The keys with which an issuer signs (RFC 7517, OpenID Connect Core §10.1.1).

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use latchkey_domain::{Span, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::error::{Error, Step, json};
use super::id_token::Unverified;
use crate::http::Outbound;
use crate::jose::PublicKey;

/// How many fetches a stream of tokens that nobody signed can bring about at once…
const BURST: i64 = 5;

/// …and how often one more is allowed after that.
const COOL_DOWN: Span = Span::seconds(30);

/// More keys than any issuer publishes.
const MAX_KEYS: usize = 100;

/// How long keys are believed before they are fetched again: one that was
/// withdrawn is dropped then.
const FRESH_FOR: Span = Span::minutes(60);

/// An issuer's keys, as last fetched.
///
/// A token that none of them has signed makes us fetch at once, for that is how a
/// rotation looks (Core §10.1.1), or a key replaced under its old name. Whoever
/// sends us a stream of such tokens gets five fetches out of us, then one every
/// thirty seconds.
#[derive(Debug, Default)]
pub struct KeySet {
    known: ArcSwapOption<Fetched>,
    fetches: Mutex<Bucket>,
}

#[derive(Debug)]
struct Fetched {
    at: Timestamp,
    keys: Vec<PublicKey>,
}

impl KeySet {
    /// Whether one of the issuer's keys has signed this, asked anew when none of
    /// those that are known has.
    pub(crate) async fn verify(
        &self,
        http: &Outbound,
        jwks_uri: &Url,
        token: &Unverified<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let known = self.known.load_full();
        if let Some(known) = &known
            && now.since(known.at) < FRESH_FOR
            && token.verify_signature(&known.keys).is_ok()
        {
            return Ok(());
        }
        let mut fetches = self.fetches.lock().await;
        // Somebody else may have fetched while we waited for our turn.
        let latest = match self.known.load_full() {
            Some(newer) if !known.is_some_and(|known| Arc::ptr_eq(&known, &newer)) => newer,
            old if fetches.take(now) => match fetch(http, jwks_uri, now).await {
                Ok(fetched) => {
                    let fetched = Arc::new(fetched);
                    self.known.store(Some(Arc::clone(&fetched)));
                    fetched
                }
                // Keys that were only old are better than nobody coming in.
                Err(error) => match old {
                    Some(old) if token.verify_signature(&old.keys).is_ok() => old,
                    _ => return Err(error),
                },
            },
            Some(old) => old,
            None => {
                return Err(Error::invalid_response(Step::Keys, "they were asked for too often"));
            }
        };
        Ok(token.verify_signature(&latest.keys)?)
    }
}

async fn fetch(http: &Outbound, jwks_uri: &Url, now: Timestamp) -> Result<Fetched, Error> {
    let answer = http.get(jwks_uri, None).await.map_err(Error::unreachable(Step::Keys))?;
    Ok(Fetched { at: now, keys: read(&answer)? })
}

/// Reads a key set. A key that cannot be used is passed over (RFC 7517 §5).
pub fn read(answer: &::http::Response<Vec<u8>>) -> Result<Vec<PublicKey>, Error> {
    let document: Document = json(Step::Keys, answer)?;
    Ok(document.keys.iter().take(MAX_KEYS).filter_map(PublicKey::from_jwk).collect())
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// A bucket of fetches that fills up again slowly.
#[derive(Debug, Default)]
struct Bucket {
    taken: i64,
    since: Option<Timestamp>,
}

impl Bucket {
    fn take(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        let refilled = now.since(since).as_millis() / COOL_DOWN.as_millis();
        if refilled > 0 {
            self.taken = (self.taken - refilled).max(0);
            self.since = Some(now);
        }
        let allowed = self.taken < BURST;
        if allowed {
            self.taken += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_are_bounded() {
        let mut bucket = Bucket::default();
        let start = Timestamp::from_seconds(1_000);
        let taken = (0..100).filter(|_| bucket.take(start)).count();
        assert_eq!(taken, 5);
        assert!(!bucket.take(start.plus(Span::seconds(29))));
        assert!(bucket.take(start.plus(Span::seconds(30))));
        assert!(!bucket.take(start.plus(Span::seconds(31))));
    }
}
