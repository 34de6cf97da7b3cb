//! A server that does not answer is left alone for a moment, so that it costs
//! one timeout a second and not one for each request.

use latchkey_domain::{Span, Timestamp};
use parking_lot::{Mutex, MutexGuard};

/// How long it is left alone.
pub(super) const REST: Span = Span::seconds(1);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Answers,
    /// Nobody did, and nobody is asked before then.
    Rests(Timestamp),
    /// One question is out to find out; all others wait for what it finds.
    Tried,
}

/// Leave to ask, for one question.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    tries: bool,
}

impl Breaker {
    /// Leave to ask; `None` while the server is left alone.
    pub(super) fn enter(&self, now: Timestamp) -> Option<Pass<'_>> {
        let mut state = self.state();
        let tries = match *state {
            State::Answers => false,
            State::Rests(until) if until <= now => true,
            State::Rests(_) | State::Tried => return None,
        };
        if tries {
            *state = State::Tried;
        }
        Some(Pass { breaker: self, tries })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl Pass<'_> {
    pub(super) fn succeeded(mut self) {
        self.tries = false;
        *self.breaker.state() = State::Answers;
    }

    pub(super) fn failed(mut self, now: Timestamp) {
        self.tries = false;
        *self.breaker.state() = State::Rests(now.plus(REST));
    }
}

/// Whoever asked went away before there was an answer: the next one may try.
impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state();
        if self.tries && *state == State::Tried {
            *state = State::Rests(Timestamp::from_millis(i64::MIN));
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
