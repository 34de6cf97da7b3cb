//! The keys with which an issuer signs (RFC 7517, OpenID Connect Core §10.1.1).

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use latchkey_domain::{Span, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::error::{Error, Step, json};
use crate::http::Outbound;
use crate::jose::{Algorithm, PublicKey};

/// How many fetches a stream of unknown `kid`s can bring about at once…
const BURST: i64 = 5;

/// …and how often one more is allowed after that.
const COOL_DOWN: Span = Span::seconds(30);

/// More keys than any issuer publishes.
const MAX_KEYS: usize = 100;

/// An issuer's keys, as last fetched.
///
/// A token that names a key we do not know makes us fetch at once, for that is
/// how a rotation looks (Core §10.1.1). Whoever sends us a stream of such
/// tokens gets five fetches out of us, then one every thirty seconds.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: ArcSwapOption<Vec<PublicKey>>,
    fetches: Mutex<Bucket>,
}

impl KeySet {
    /// The keys that may have signed a token with this header, fetched anew
    /// when none of those we have can.
    pub(crate) async fn candidates(
        &self,
        http: &Outbound,
        jwks_uri: &Url,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Vec<PublicKey>, Error> {
        let known = self.keys.load_full();
        if let Some(keys) = known.as_deref() {
            let usable = usable(keys, kid, algorithm);
            if !usable.is_empty() {
                return Ok(usable);
            }
        }
        let mut fetches = self.fetches.lock().await;
        // Somebody else may have fetched while we waited for our turn.
        let keys = match self.keys.load_full() {
            Some(newer) if !same(known.as_ref(), &newer) => newer,
            _ if fetches.take(now) => self.fetch(http, jwks_uri).await?,
            Some(keys) => keys,
            None => {
                return Err(Error::invalid_response(Step::Keys, "they were asked for too often"));
            }
        };
        Ok(usable(&keys, kid, algorithm))
    }

    async fn fetch(&self, http: &Outbound, jwks_uri: &Url) -> Result<Arc<Vec<PublicKey>>, Error> {
        let answer = http.get(jwks_uri, None).await.map_err(Error::unreachable(Step::Keys))?;
        let document: Document = json(Step::Keys, &answer)?;
        // RFC 7517 §5: a key that cannot be used is passed over.
        let keys = document.keys.iter().take(MAX_KEYS).filter_map(PublicKey::from_jwk).collect();
        let keys = Arc::new(keys);
        self.keys.store(Some(Arc::clone(&keys)));
        Ok(keys)
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

fn same(known: Option<&Arc<Vec<PublicKey>>>, newer: &Arc<Vec<PublicKey>>) -> bool {
    known.is_some_and(|known| Arc::ptr_eq(known, newer))
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

/// Those of the keys that may have signed a token with this header. Without a
/// `kid` in it every key that takes its algorithm is tried.
fn usable(keys: &[PublicKey], kid: Option<&str>, algorithm: Algorithm) -> Vec<PublicKey> {
    let named = |key: &&PublicKey| kid.is_none() || key.kid() == kid;
    keys.iter().filter(named).filter(|key| key.takes(algorithm)).cloned().collect()
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
