//! A circuit breaker: a server that does not answer is left alone for a moment,
//! so that it costs one timeout a second and not one for each request.

use latchkey_domain::{Span, Timestamp};
use parking_lot::Mutex;

pub(super) const REST: Span = Span::seconds(1);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open(Timestamp),
    /// One question is out to find out; all others wait for what it finds.
    HalfOpen,
}

pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Leave to ask; `None` while the server is left alone.
    pub(super) fn enter(&self, now: Timestamp) -> Option<Permit<'_>> {
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
        *self.breaker.0.lock() = State::Open(now.plus(REST));
    }
}

/// Whoever asked went away before there was an answer: the next one may try.
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
    fn one_at_a_time_finds_out_whether_somebody_answers_again() {
        let breaker = Breaker::default();
        let at = Timestamp::from_millis;
        let (first, second) = (breaker.enter(at(0)), breaker.enter(at(0)));
        assert!(first.is_some() && second.is_some(), "all may ask while somebody answers");
        first.expect("leave").failed(at(0));
        assert!(breaker.enter(at(999)).is_none(), "it is left alone");
        let third = breaker.enter(at(1000)).expect("one may try");
        assert!(breaker.enter(at(5000)).is_none(), "and the others wait");
        third.failed(at(4000));
        assert!(breaker.enter(at(4999)).is_none());
        drop(breaker.enter(at(5000)).expect("one more, who goes away"));
        breaker.enter(at(5001)).expect("then the next").succeeded();
        assert!(breaker.enter(at(5001)).is_some() && breaker.enter(at(5001)).is_some());
        // An answer to a question from before is an answer too.
        breaker.enter(at(6000)).expect("leave").failed(at(6000));
        second.expect("leave").succeeded();
        assert!(breaker.enter(at(6000)).is_some());
    }
}
