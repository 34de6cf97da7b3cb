//! The session cache of `SESSION_CACHE=watch`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_domain::sign_in::SignIn;
use latchkey_domain::{SignInId, Timestamp, User};
use parking_lot::Mutex;

/// Less than a second, within which every process must notice that a sign-in ended. Measured
/// with a monotonic clock.
const MAX_AGE: Duration = Duration::from_millis(900);

const CAPACITY: usize = 10_000;

/// Recently read sessions, by the hash of their id.
///
/// Changes by another process are noticed when an entry expires. Sign-ins that end in this
/// process are evicted immediately.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionCache(Arc<Mutex<Cache>>);

#[derive(Debug, Default)]
struct Cache {
    entries: HashMap<String, Entry>,
    evictions: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    found: (Arc<SignIn>, Arc<User>),
    read_at: Instant,
}

impl Entry {
    fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < MAX_AGE
    }
}

impl SessionCache {
    pub(crate) fn get(&self, hash: &str, now: Timestamp) -> Option<(Arc<SignIn>, Arc<User>)> {
        let cache = self.0.lock();
        let entry = cache.entries.get(hash)?;
        let is_valid = entry.is_fresh() && now < entry.found.0.expires_at;
        is_valid.then(|| entry.found.clone())
    }

    /// Get this before reading a session, and pass it to [`Self::put`].
    pub(crate) fn evictions(&self) -> u64 {
        self.0.lock().evictions
    }

    /// Caches a session, unless an entry was evicted since it was read: it may have been
    /// this one.
    pub(crate) fn put(
        &self,
        hash: String,
        found: (Arc<SignIn>, Arc<User>),
        read_at: Instant,
        evictions: u64,
    ) {
        let mut cache = self.0.lock();
        if cache.evictions != evictions {
            return;
        }
        if cache.entries.len() >= CAPACITY {
            cache.entries.retain(|_, entry| entry.is_fresh());
        }
        if cache.entries.len() < CAPACITY {
            cache.entries.insert(hash, Entry { found, read_at });
        }
    }

    pub(crate) fn evict(&self, hash: &str) {
        let mut cache = self.0.lock();
        cache.entries.remove(hash);
        cache.evictions += 1;
    }

    pub(crate) fn evict_sign_in(&self, ended: SignInId) {
        let mut cache = self.0.lock();
        cache.entries.retain(|_, entry| entry.found.0.id != ended);
        cache.evictions += 1;
    }
}
