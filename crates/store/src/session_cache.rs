//! `SESSION_CACHE=watch`: sessions that were read a moment ago.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_domain::sign_in::SignIn;
use latchkey_domain::{SignInId, Timestamp, User};

/// How long a session is believed without being read again. Shorter than the
/// second within which the end of a sign-in has to be felt in every process, and
/// measured by no clock that anybody can put back.
const BELIEVED_FOR: Duration = Duration::from_millis(900);

/// Sessions that are remembered at most.
const CAPACITY: usize = 10_000;

/// Sessions that were read a moment ago, by the hash of their id.
///
/// What another process changed, an ended sign-in or a role, is noticed when
/// the moment is over. What ends in this process is forgotten at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionCache(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    entries: HashMap<String, Entry>,
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    found: (Arc<SignIn>, Arc<User>),
    read_at: Instant,
}

impl Entry {
    fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < BELIEVED_FOR
    }
}

impl SessionCache {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock()
    }

    /// A session that was read a moment ago.
    pub(crate) fn get(&self, hash: &str, now: Timestamp) -> Option<(Arc<SignIn>, Arc<User>)> {
        let memory = self.memory();
        let entry = memory.entries.get(hash)?;
        let is_believed = entry.is_fresh() && now < entry.found.0.expires_at;
        is_believed.then(|| entry.found.clone())
    }

    /// To be asked before a session is read, and told to [`Self::put`].
    pub(crate) fn forgotten(&self) -> u64 {
        self.memory().forgotten
    }

    /// Remembers what was read, unless something was forgotten meanwhile: it
    /// may have been just this.
    pub(crate) fn put(
        &self,
        hash: String,
        found: (Arc<SignIn>, Arc<User>),
        read_at: Instant,
        forgotten: u64,
    ) {
        let mut memory = self.memory();
        if memory.forgotten != forgotten {
            return;
        }
        if memory.entries.len() >= CAPACITY {
            memory.entries.retain(|_, entry| entry.is_fresh());
        }
        if memory.entries.len() < CAPACITY {
            memory.entries.insert(hash, Entry { found, read_at });
        }
    }

    pub(crate) fn forget(&self, hash: &str) {
        let mut memory = self.memory();
        memory.entries.remove(hash);
        memory.forgotten += 1;
    }

    /// Forgets the session of a sign-in that has ended.
    pub(crate) fn forget_sign_in(&self, ended: SignInId) {
        let mut memory = self.memory();
        memory.entries.retain(|_, entry| entry.found.0.id != ended);
        memory.forgotten += 1;
    }
}
