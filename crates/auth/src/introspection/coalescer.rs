//! One call at a time for each token, and a cache of the results for a few seconds.

use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_domain::Timestamp;
use moka::future::Cache;

use crate::fingerprint::{Fingerprint, fingerprint};

const CAPACITY: u64 = 8192;

/// Requests with a token that is being introspected wait for that result, including failures.
#[derive(Debug)]
pub(super) struct Coalescer<T: Clone + Send + Sync + 'static> {
    results: Cache<(Fingerprint, u64), CachedResult<T>>,
    /// Part of the key: after a clear, results in flight arrive under an old epoch.
    epoch: AtomicU64,
}

#[derive(Clone, Debug)]
struct CachedResult<T> {
    value: T,
    /// `None` for a failure, which only waiting requests share.
    valid_until: Option<Timestamp>,
}

impl<T: Clone + Send + Sync + 'static> Coalescer<T> {
    pub(super) fn new() -> Self {
        Self { results: Cache::new(CAPACITY), epoch: AtomicU64::default() }
    }

    pub(super) async fn cached(&self, token: &str, now: Timestamp) -> Option<T> {
        let cached = self.results.get(&self.key(token)).await?;
        cached.valid_until.is_some_and(|until| until > now).then_some(cached.value)
    }

    /// The cached result, or that of `fetch` with its expiry. `None` if another request
    /// fetched it, and its result had expired by `now`.
    pub(super) async fn get(
        &self,
        token: &str,
        now: Timestamp,
        fetch: impl Future<Output = (T, Option<Timestamp>)>,
    ) -> Option<T> {
        let result = async {
            let (value, valid_until) = fetch.await;
            CachedResult { value, valid_until }
        };
        let is_past = |until: Timestamp| until <= now;
        let is_stale = |cached: &CachedResult<T>| cached.valid_until.is_none_or(is_past);
        let entry = self.results.entry(self.key(token)).or_insert_with_if(result, is_stale).await;
        let is_own = entry.is_fresh();
        let CachedResult { value, valid_until } = entry.into_value();
        (is_own || !valid_until.is_some_and(is_past)).then_some(value)
    }

    fn key(&self, token: &str) -> (Fingerprint, u64) {
        (fingerprint(token), self.epoch.load(Ordering::Acquire))
    }

    pub(super) fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use tokio::sync::oneshot;

    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn says(value: u32, until: Option<i64>) -> Ready<(u32, Option<Timestamp>)> {
        ready((value, until.map(at)))
    }

    #[tokio::test]
    async fn introspection_answers_are_cached_until_expiry() {
        let coalescer = Coalescer::new();
        for (token, now, next, known) in [
            ("a", 0, says(1, Some(100)), 1),
            ("a", 99, says(2, Some(200)), 1),
            ("b", 99, says(3, Some(200)), 3),
            ("a", 100, says(4, None), 4),
            ("a", 100, says(5, Some(200)), 5), // a failure is not remembered
            ("a", 100, says(6, Some(200)), 5),
        ] {
            let before = coalescer.cached(token, at(now)).await;
            let found = coalescer.get(token, at(now), next.clone()).await;
            assert_eq!(found, Some(known), "{token} at {now}");
            assert_eq!(before.is_none(), next.into_inner().0 == known, "{token} at {now}");
        }
        coalescer.clear();
        assert_eq!(coalescer.cached("a", at(100)).await, None);
        let found = coalescer.get("a", at(100), says(7, Some(200))).await;
        assert_eq!(found, Some(7), "fetched again after a clear");
    }

    #[tokio::test]
    async fn waiters_share_answer_unless_expired_or_cleared() {
        let coalescer = Coalescer::new();
        let (tell, told) = oneshot::channel();
        let slow = async { (told.await.unwrap_or_default(), Some(at(1_000))) };
        let (first, waits, comes_too_late, after_forgetting) = tokio::join!(
            coalescer.get("a", at(0), slow),
            coalescer.get("a", at(999), says(2, Some(1_000))),
            coalescer.get("a", at(1_000), says(3, Some(1_000))),
            async {
                // The others are in flight; their result does not have the new revocation.
                coalescer.clear();
                let found = coalescer.get("a", at(0), says(4, Some(1_000))).await;
                let _ = tell.send(1);
                found
            }
        );
        assert_eq!((first, waits, comes_too_late), (Some(1), Some(1), None));
        assert_eq!(after_forgetting, Some(4));
        // The late result does not replace the newer one.
        assert_eq!(coalescer.get("a", at(0), says(5, Some(1_000))).await, Some(4));
    }

    #[tokio::test]
    async fn failures_reach_waiters_but_are_not_cached() {
        let coalescer = Coalescer::new();
        let failed = async {
            tokio::task::yield_now().await;
            (0, None)
        };
        let both = tokio::join!(
            coalescer.get("a", at(0), failed),
            coalescer.get("a", at(0), says(1, Some(100))),
        );
        assert_eq!(both, (Some(0), Some(0)));
        assert_eq!(coalescer.get("a", at(0), says(2, Some(100))).await, Some(2));
    }
}
