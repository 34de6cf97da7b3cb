//! An issuer's signing keys (RFC 7517, OpenID Connect Core §10.1.1).

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

/// Fetches that a stream of forged tokens can cause immediately.
const BURST: i64 = 5;

/// After the burst, one more fetch per interval.
const REFILL_INTERVAL: Span = Span::seconds(30);

const MAX_KEYS: usize = 100;

/// After this, keys are fetched again, which drops withdrawn ones.
const FRESH_FOR: Span = Span::minutes(60);

/// An issuer's keys, cached.
///
/// A token that none of them signed triggers a fetch, because keys may have been rotated
/// (Core §10.1.1) or replaced under the same `kid`: at most five fetches in a row, then one
/// every 30 seconds.
#[derive(Debug, Default)]
pub struct KeySet {
    cached: ArcSwapOption<FetchedKeys>,
    fetches: Mutex<TokenBucket>,
}

#[derive(Debug)]
struct FetchedKeys {
    at: Timestamp,
    keys: Vec<PublicKey>,
}

impl KeySet {
    /// Verifies the signature with the cached keys, or else with fetched ones.
    pub(crate) async fn verify(
        &self,
        http: &Outbound,
        jwks_uri: &Url,
        token: &Unverified<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let cached = self.cached.load_full();
        if let Some(cached) = &cached
            && now.since(cached.at) < FRESH_FOR
            && token.verify_signature(&cached.keys).is_ok()
        {
            return Ok(());
        }
        let mut fetches = self.fetches.lock().await;
        // Another task may have fetched while we waited for the lock.
        let latest = match self.cached.load_full() {
            Some(newer) if !cached.is_some_and(|old| Arc::ptr_eq(&old, &newer)) => newer,
            old if fetches.take(now) => match fetch(http, jwks_uri, now).await {
                Ok(fetched) => {
                    let fetched = Arc::new(fetched);
                    self.cached.store(Some(Arc::clone(&fetched)));
                    fetched
                }
                // Stale keys are better than no sign-ins.
                Err(error) => match old {
                    Some(old) if token.verify_signature(&old.keys).is_ok() => old,
                    _ => return Err(error),
                },
            },
            Some(old) => old,
            None => {
                return Err(Error::invalid_response(Step::Keys, "they were requested too often"));
            }
        };
        Ok(token.verify_signature(&latest.keys)?)
    }
}

async fn fetch(http: &Outbound, jwks_uri: &Url, now: Timestamp) -> Result<FetchedKeys, Error> {
    let response = http.get(jwks_uri, None).await.map_err(Error::unreachable(Step::Keys))?;
    Ok(FetchedKeys { at: now, keys: read(&response)? })
}

/// Skips unusable keys (RFC 7517 §5).
pub fn read(response: &::http::Response<Vec<u8>>) -> Result<Vec<PublicKey>, Error> {
    let set: JwkSet = json(Step::Keys, response)?;
    Ok(set.keys.iter().take(MAX_KEYS).filter_map(PublicKey::from_jwk).collect())
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, Default)]
struct TokenBucket {
    used: i64,
    since: Option<Timestamp>,
}

impl TokenBucket {
    fn take(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        let refilled = now.since(since).as_millis() / REFILL_INTERVAL.as_millis();
        if refilled > 0 {
            self.used = (self.used - refilled).max(0);
            self.since = Some(now);
        }
        let allowed = self.used < BURST;
        if allowed {
            self.used += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jwks_fetches_are_rate_limited() {
        let mut bucket = TokenBucket::default();
        let start = Timestamp::from_seconds(1_000);
        let fetches = (0..100).filter(|_| bucket.take(start)).count();
        assert_eq!(fetches, 5);
        assert!(!bucket.take(start.plus(Span::seconds(29))));
        assert!(bucket.take(start.plus(Span::seconds(30))));
        assert!(!bucket.take(start.plus(Span::seconds(31))));
    }
}
