//! Sign-ins whose browser is at the provider: in memory, few, and not for long.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;

use latchkey_auth::oauth::attempt::LIFETIME;
use latchkey_store::hash;

use super::builder::TraceBuilder;

/// How many may wait at a time; the oldest goes first. Together with what one
/// may weigh, this bounds the memory.
const MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct PendingTraces(Mutex<VecDeque<(String, TraceBuilder)>>);

impl PendingTraces {
    pub(crate) fn put(&self, state: &str, builder: TraceBuilder) {
        let mut waiting = self.0.lock();
        if waiting.len() >= MAX {
            waiting.pop_front();
        }
        waiting.push_back((hash::of(state), builder));
    }

    /// A copy of what waits for this state: whoever comes back first need not
    /// be the one who set out.
    pub(crate) fn copy(&self, state: &str) -> Option<TraceBuilder> {
        let of = hash::of(state);
        self.0.lock().iter().find(|(state, _)| *state == of).map(|(_, builder)| builder.clone())
    }

    pub(crate) fn edit(&self, state: &str, edit: impl FnOnce(&mut TraceBuilder)) {
        let of = hash::of(state);
        if let Some((_, builder)) = self.0.lock().iter_mut().find(|(state, _)| *state == of) {
            edit(builder);
        }
    }

    pub(crate) fn remove(&self, state: &str) {
        let of = hash::of(state);
        self.0.lock().retain(|(state, _)| *state != of);
    }

    /// Lets go of whoever has waited for too long.
    pub(crate) fn tidy(&self) {
        let longest = Duration::from(LIFETIME);
        self.0.lock().retain(|(_, builder)| builder.age() <= longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_domain::Timestamp;
    use std::time::Instant;

    #[test]
    fn only_so_many_wait() {
        let waiting = PendingTraces::default();
        let builder = || TraceBuilder::new(Instant::now(), Timestamp::from_millis(0), true);
        for state in 0..=MAX {
            waiting.put(&state.to_string(), builder());
        }
        assert!(waiting.copy("0").is_none() && waiting.copy("1").is_some());
        waiting.remove("1");
        assert!(waiting.copy("1").is_none());
        waiting.tidy();
        assert!(waiting.copy("2").is_some());
    }
}
