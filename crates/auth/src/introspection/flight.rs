//! One question for one token at a time, however many requests show it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_domain::Timestamp;
use tokio::sync::{Mutex, MutexGuard};

use super::{Delegation, Error};

#[derive(Debug, Default)]
pub(super) struct Flight {
    begun: AtomicU64,
    latest: Mutex<Option<Latest>>,
}

/// What was heard last.
#[derive(Clone, Debug)]
pub(super) struct Latest {
    pub(super) number: u64,
    /// How often everything had been forgotten when it was put.
    pub(super) epoch: u64,
    /// Until when the answer is believed.
    pub(super) good_until: Timestamp,
    pub(super) outcome: Result<Arc<Delegation>, Error>,
}

/// The place of a request among the questions: how many had been put before it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn(u64);

/// What was heard last, held by the one request whose turn it is to ask.
pub(super) struct Held<'a>(MutexGuard<'a, Option<Latest>>);

impl Flight {
    /// To be taken as soon as a request comes.
    pub(super) fn turn(&self) -> Turn {
        Turn(self.begun.load(Ordering::Acquire))
    }

    /// Waits until nobody else asks.
    pub(super) async fn wait(&self) -> Held<'_> {
        Held(self.latest.lock().await)
    }

    /// A question is about to be put; says which one it is.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::AcqRel) + 1
    }
}

impl Held<'_> {
    /// What is known without asking: an answer that is still believed, or one to
    /// a question that was put after this request had come. The second is as
    /// good as one's own: whatever was revoked before the request came had been
    /// revoked when the question was put.
    pub(super) fn known(
        &self,
        turn: Turn,
        epoch: u64,
        now: Timestamp,
    ) -> Option<Result<Arc<Delegation>, Error>> {
        let latest = self.0.as_ref()?;
        let believed = latest.epoch == epoch && now < latest.good_until;
        (believed || latest.number > turn.0).then(|| latest.outcome.clone())
    }

    pub(super) fn set(&mut self, latest: Latest) {
        *self.0 = Some(latest);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Refused;
    use super::*;

    fn heard(number: u64, epoch: u64, good_until: i64) -> Latest {
        let outcome = Err(Refused::NotActive.into());
        Latest { number, epoch, good_until: Timestamp::from_millis(good_until), outcome }
    }

    #[tokio::test]
    async fn an_answer_counts_while_it_is_believed_or_for_who_came_before_the_question() {
        let flight = Flight::default();
        let early = flight.turn();
        let number = flight.begin();
        let late = flight.turn();
        let mut held = flight.wait().await;
        assert!(held.known(early, 0, Timestamp::from_millis(0)).is_none());
        held.set(heard(number, 0, 100));
        for (turn, epoch, now, known) in [
            (late, 0, 99, true),
            (late, 0, 100, false),
            (late, 1, 99, false),
            (early, 0, 1000, true),
            (early, 1, 1000, true),
        ] {
            let found = held.known(turn, epoch, Timestamp::from_millis(now));
            assert_eq!(found.is_some(), known, "{turn:?} {epoch} {now}");
        }
    }
}
