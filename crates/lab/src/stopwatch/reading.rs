//! Interprets a series of polls.

use serde::{Deserialize, Serialize};

/// Consecutive refusals that end the timing; a single one could be an accident.
pub const REFUSALS_TO_CONFIRM: usize = 5;

/// Whether the credential was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollOutcome {
    Accepted,
    /// 401 (RFC 6750 §3.1)
    Refused,
    /// Any other status, which says nothing about the credential.
    Unclear,
}

impl PollOutcome {
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Accepted,
            401 => Self::Refused,
            _ => Self::Unclear,
        }
    }
}

/// One request with the credential. Times are in milliseconds after the revocation was confirmed,
/// and negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Poll {
    pub asked: f64,
    pub answered: f64,
    pub status: u16,
    pub seen: PollOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Reading {
    /// It was not accepted even before the revocation.
    NeverAlive,
    Dead {
        /// When it was last sent and accepted, if that was after the revocation.
        last_accepted: Option<f64>,
        first_refused: f64,
    },
    CameBack {
        refused: f64,
        accepted: f64,
    },
    Alive {
        at: f64,
    },
}

/// Expects the polls in the order in which they were sent.
pub fn reading(polls: &[Poll]) -> Reading {
    let accepted = || polls.iter().filter(|poll| poll.seen == PollOutcome::Accepted);
    if !accepted().any(|poll| poll.answered <= 0.0) {
        return Reading::NeverAlive;
    }
    // A poll in flight during the revocation may go either way.
    let mut after = polls.iter().filter(|poll| poll.asked >= 0.0);
    let Some(refused) = after.find(|poll| poll.seen == PollOutcome::Refused) else {
        let at = accepted().map(|poll| poll.asked).fold(0.0, f64::max);
        return Reading::Alive { at };
    };
    if let Some(later) = accepted().find(|poll| poll.asked >= refused.answered) {
        return Reading::CameBack { refused: refused.answered, accepted: later.asked };
    }
    let last_accepted = accepted().map(|poll| poll.asked).rfind(|asked| *asked >= 0.0);
    Reading::Dead { last_accepted, first_refused: refused.answered }
}

/// Whether the last polls after the revocation are [`REFUSALS_TO_CONFIRM`] refusals in a row.
pub fn has_stopped(polls: &[Poll]) -> bool {
    let clear = polls.iter().rev().filter(|poll| poll.seen != PollOutcome::Unclear);
    let refused = clear.take_while(|poll| poll.asked >= 0.0 && poll.seen == PollOutcome::Refused);
    refused.count() >= REFUSALS_TO_CONFIRM
}

/// Whether a credential was refused as soon as promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseResult {
    Yes,
    /// Refused too late, never, or only temporarily.
    No,
    Unknown,
}

/// `promised` and `interval` are in milliseconds. Polling detects a refusal up to one interval
/// late.
pub fn promise_result(reading: Reading, promised: f64, interval: f64) -> PromiseResult {
    match reading {
        Reading::NeverAlive => PromiseResult::Unknown,
        Reading::Dead { last_accepted: None, .. } => PromiseResult::Yes,
        Reading::Dead { last_accepted: Some(last), .. } if last <= promised + interval => {
            PromiseResult::Yes
        }
        Reading::Dead { .. } | Reading::CameBack { .. } => PromiseResult::No,
        Reading::Alive { at } if at > promised + interval => PromiseResult::No,
        Reading::Alive { .. } => PromiseResult::Unknown,
    }
}
