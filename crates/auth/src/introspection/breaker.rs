//! A circuit breaker: an unavailable server costs one timeout per second, not one per request.

use latchkey_domain::{Span, Timestamp};
use parking_lot::Mutex;

pub(super) const COOL_DOWN: Span = Span::seconds(1);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open(Timestamp),
    /// One request probes the server; the others fail until it returns.
    HalfOpen,
}

pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// `None` while the circuit is open.
    pub(super) fn try_acquire(&self, now: Timestamp) -> Option<Permit<'_>> {
        let mut state = self.0.lock();
        let is_probe = match *state {
            State::Closed => false,
            State::Open(until) if until <= now => true,
            State::Open(_) | State::HalfOpen => return None,
        };
        if is_probe {
            *state = State::HalfOpen;
        }
        Some(Permit { breaker: self, is_probe })
    }
}

impl Permit<'_> {
    pub(super) fn succeeded(mut self) {
        self.is_probe = false;
        *self.breaker.0.lock() = State::Closed;
    }

    pub(super) fn failed(mut self, now: Timestamp) {
        self.is_probe = false;
        *self.breaker.0.lock() = State::Open(now.plus(COOL_DOWN));
    }
}

/// The probe was cancelled: the next request may probe.
impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.0.lock();
        if self.is_probe && *state == State::HalfOpen {
            *state = State::Open(Timestamp::from_millis(i64::MIN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_breaker_admits_one_probe_at_a_time() {
        let breaker = Breaker::default();
        let at = Timestamp::from_millis;
        let (first, second) = (breaker.try_acquire(at(0)), breaker.try_acquire(at(0)));
        assert!(first.is_some() && second.is_some(), "all may ask while somebody answers");
        first.expect("leave").failed(at(0));
        assert!(breaker.try_acquire(at(999)).is_none(), "it is left alone");
        let third = breaker.try_acquire(at(1000)).expect("one may try");
        assert!(breaker.try_acquire(at(5000)).is_none(), "and the others wait");
        third.failed(at(4000));
        assert!(breaker.try_acquire(at(4999)).is_none());
        drop(breaker.try_acquire(at(5000)).expect("one more, who goes away"));
        breaker.try_acquire(at(5001)).expect("then the next").succeeded();
        assert!(breaker.try_acquire(at(5001)).is_some() && breaker.try_acquire(at(5001)).is_some());
        // An answer to a question from before is an answer too.
        breaker.try_acquire(at(6000)).expect("leave").failed(at(6000));
        second.expect("leave").succeeded();
        assert!(breaker.try_acquire(at(6000)).is_some());
    }
}
