//! Traces of sign-ins whose browser is at the provider: in memory, bounded and short-lived.

use std::sync::Arc;

use latchkey_auth::oauth::attempt::LIFETIME;
use latchkey_store::hash;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use parking_lot::Mutex;

use super::builder::TraceBuilder;

/// The least recently used goes first. With the maximum size of a trace, this bounds the memory.
const MAX: u64 = 64;

/// Keyed by the hash of the `state`.
#[derive(Debug)]
pub(crate) struct PendingTraces(Cache<String, Arc<Mutex<TraceBuilder>>>);

impl Default for PendingTraces {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MAX).time_to_live(LIFETIME.into());
        Self(cache.eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl PendingTraces {
    pub(crate) fn put(&self, state: &str, builder: TraceBuilder) {
        self.0.insert(hash::sha256_hex(state), Arc::new(Mutex::new(builder)));
    }

    pub(crate) fn get(&self, state: &str) -> Option<Arc<Mutex<TraceBuilder>>> {
        self.0.get(&hash::sha256_hex(state))
    }

    pub(crate) fn remove(&self, state: &str) {
        self.0.invalidate(&hash::sha256_hex(state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_domain::Timestamp;
    use std::time::Instant;

    #[test]
    fn pending_traces_are_bounded_and_expire() {
        let pending = PendingTraces::default();
        let builder = || TraceBuilder::new(Instant::now(), Timestamp::from_millis(0), true);
        for state in 0..=MAX {
            pending.put(&state.to_string(), builder());
        }
        pending.0.run_pending_tasks();
        assert!(pending.get("0").is_none() && pending.get("1").is_some());
        pending.remove("1");
        assert!(pending.get("1").is_none());
        assert_eq!(pending.0.policy().time_to_live(), Some(LIFETIME.into()));
    }
}
