//! `SESSION_CACHE=watch`: sessions that were read a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use latchkey_domain::{SignInId, Span, Timestamp};
use tower_sessions::session::Record;

/// How long a session is believed without being read again. Shorter than the
/// second within which the end of a sign-in has to be felt in every process.
const BELIEVED_FOR: Span = Span::millis(900);

/// Sessions that are remembered at most.
const CAPACITY: usize = 10_000;

/// Sessions that were read a moment ago, by the hash of their id.
///
/// What another process changed, an ended sign-in or a role, is noticed when
/// the moment is over. What ends in this process is forgotten at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionCache(Arc<Mutex<HashMap<String, Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    record: Record,
    sign_in: SignInId,
    read_at: Timestamp,
}

impl SessionCache {
    /// A session that was read a moment ago.
    pub(crate) fn get(&self, hash: &str, now: Timestamp) -> Option<Record> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(hash)?;
        let expires_at = Timestamp::from_seconds(entry.record.expiry_date.unix_timestamp());
        (now.since(entry.read_at) < BELIEVED_FOR && now < expires_at).then(|| entry.record.clone())
    }

    /// Remembers what was read.
    pub(crate) fn put(&self, hash: String, record: &Record, sign_in: SignInId, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| now.since(entry.read_at) < BELIEVED_FOR);
        }
        if entries.len() < CAPACITY {
            entries.insert(hash, Entry { record: record.clone(), sign_in, read_at: now });
        }
    }

    /// Forgets one session.
    pub(crate) fn forget(&self, hash: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }

    /// Forgets the session of a sign-in that has ended.
    pub(crate) fn forget_sign_in(&self, ended: SignInId) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.sign_in != ended);
    }
}
