//! Attempts to sign in whose answer has come: each counts once.

use parking_lot::Mutex;
use std::collections::HashMap;

use latchkey_auth::oauth::attempt::LIFETIME;
use latchkey_domain::Timestamp;

/// Attempts that are remembered at most.
const CAPACITY: usize = 100_000;

/// The states of answers that came within the life of an attempt.
///
/// A double click, or a browser that fetches ahead, brings the same answer
/// twice at once, before the browser knows that the attempt is over. Showing
/// the code twice would make a strict provider revoke what it issued.
#[derive(Debug, Default)]
pub struct ReplayGuard(Mutex<HashMap<String, Timestamp>>);

impl ReplayGuard {
    /// Takes an attempt for this answer. `false` when another answer has it.
    pub fn claim(&self, state: &str, now: Timestamp) -> bool {
        let mut used = self.0.lock();
        if used.len() >= CAPACITY {
            used.retain(|_, at| now.since(*at) <= LIFETIME);
        }
        used.insert(state.to_owned(), now).is_none()
    }

    /// Forgets those whose life is over: they are refused for their age.
    pub fn evict(&self, now: Timestamp) {
        let mut used = self.0.lock();
        used.retain(|_, at| now.since(*at) <= LIFETIME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_domain::Span;

    #[test]
    fn each_counts_once() {
        let guard = ReplayGuard::default();
        let now = Timestamp::from_seconds(1_000);
        assert!(guard.claim("a", now));
        assert!(!guard.claim("a", now));
        assert!(guard.claim("b", now));
        guard.evict(now.plus(Span::minutes(11)));
        assert!(guard.claim("a", now));
    }
}
