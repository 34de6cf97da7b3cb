//! What a row of polls says.

use serde::{Deserialize, Serialize};

/// So many refusals in a row end the timing: one could be a slip.
pub const CONFIRMED: usize = 5;

/// What one answer says about the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    Accepted,
    /// 401 (RFC 6750 §3.1)
    Refused,
    /// Something else went wrong, which says nothing about the credential.
    Unclear,
}

impl Seen {
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Accepted,
            401 => Self::Refused,
            _ => Self::Unclear,
        }
    }
}

/// One request with the credential. Times are milliseconds after the revocation was
/// answered; before that they are negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Poll {
    pub asked: f64,
    pub answered: f64,
    pub status: u16,
    pub seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Reading {
    /// It was never accepted, so nothing could end.
    NeverAlive,
    Dead {
        /// When it was last sent and accepted, if that was after the end.
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

/// Polls are in the order in which they were sent.
pub fn reading(polls: &[Poll]) -> Reading {
    let accepted = || polls.iter().filter(|poll| poll.seen == Seen::Accepted);
    if !accepted().any(|poll| poll.answered <= 0.0) {
        return Reading::NeverAlive;
    }
    // A poll that was under way during the end may be judged either way.
    let mut after = polls.iter().filter(|poll| poll.asked >= 0.0);
    let Some(refused) = after.find(|poll| poll.seen == Seen::Refused) else {
        let at = accepted().map(|poll| poll.asked).fold(0.0, f64::max);
        return Reading::Alive { at };
    };
    if let Some(back) = accepted().find(|poll| poll.asked >= refused.answered) {
        return Reading::CameBack { refused: refused.answered, accepted: back.asked };
    }
    let last_accepted = accepted().map(|poll| poll.asked).rfind(|asked| *asked >= 0.0);
    Reading::Dead { last_accepted, first_refused: refused.answered }
}

pub fn has_stopped(polls: &[Poll]) -> bool {
    let clear = polls.iter().rev().filter(|poll| poll.seen != Seen::Unclear);
    let refused = clear.take_while(|poll| poll.asked >= 0.0 && poll.seen == Seen::Refused);
    refused.count() >= CONFIRMED
}

/// Whether a credential ended as soon as promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseResult {
    Yes,
    /// Later, or not at all, or only for a while.
    No,
    Unknown,
}

/// Judges a reading by what was promised, in milliseconds. Polling every `interval` sees the
/// first refusal up to that much late.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` accepted, `r` refused, `?` unclear: one every 100 ms, each taking 10 ms,
    /// the first two before the end.
    fn polls(row: &str) -> Vec<Poll> {
        let seen = |letter| match letter {
            'a' => (Seen::Accepted, 200),
            'r' => (Seen::Refused, 401),
            _ => (Seen::Unclear, 503),
        };
        let one = |(index, letter): (u32, char)| {
            let (seen, status) = seen(letter);
            let asked = f64::from(index) * 100.0 - 200.0;
            Poll { asked, answered: asked + 10.0, status, seen }
        };
        (0..).zip(row.chars()).map(one).collect()
    }

    #[test]
    fn what_a_row_of_polls_says() {
        let dead = |last_accepted, first_refused| Reading::Dead { last_accepted, first_refused };
        for (row, expected) in [
            ("", Reading::NeverAlive),
            ("rrr", Reading::NeverAlive),
            ("??a", Reading::NeverAlive),
            ("aa", Reading::Alive { at: 0.0 }),
            ("aaaa", Reading::Alive { at: 100.0 }),
            ("aa??", Reading::Alive { at: 0.0 }),
            ("aar", dead(None, 10.0)),
            ("aaaarr", dead(Some(100.0), 210.0)),
            ("aa?a?rr", dead(Some(100.0), 310.0)),
            ("aarar", Reading::CameBack { refused: 10.0, accepted: 100.0 }),
        ] {
            assert_eq!(reading(&polls(row)), expected, "{row}");
        }
    }

    #[test]
    fn a_refusal_before_the_end_is_not_the_end() {
        let mut row = polls("araar");
        row[1].seen = Seen::Refused;
        assert_eq!(
            reading(&row),
            Reading::Dead { last_accepted: Some(100.0), first_refused: 210.0 }
        );
        assert!(!has_stopped(&polls("rrrrrr")), "four of these are after the end");
    }

    #[test]
    fn it_stops_after_refusals_in_a_row() {
        for (row, stopped) in [
            ("aarrrr", false),
            ("aarrrrr", true),
            ("aarrr?rr", true),
            ("aarrrar", false),
            ("aarrrarrrrr", true),
            ("aa?????", false),
        ] {
            assert_eq!(has_stopped(&polls(row)), stopped, "{row}");
        }
    }

    #[test]
    fn a_promise_is_kept_to_within_one_poll() {
        let dead = |last_accepted| Reading::Dead { last_accepted, first_refused: 999.0 };
        for (reading, promised, expected) in [
            (dead(None), 0.0, PromiseResult::Yes),
            (dead(Some(0.0)), 0.0, PromiseResult::Yes),
            (dead(Some(101.0)), 0.0, PromiseResult::No),
            (dead(Some(1_100.0)), 1_000.0, PromiseResult::Yes),
            (dead(Some(1_101.0)), 1_000.0, PromiseResult::No),
            (Reading::CameBack { refused: 1.0, accepted: 2.0 }, 1_000.0, PromiseResult::No),
            (Reading::Alive { at: 900.0 }, 1_000.0, PromiseResult::Unknown),
            (Reading::Alive { at: 1_200.0 }, 1_000.0, PromiseResult::No),
            (Reading::NeverAlive, 1_000.0, PromiseResult::Unknown),
        ] {
            assert_eq!(
                promise_result(reading, promised, 100.0),
                expected,
                "{reading:?}, {promised}"
            );
        }
    }
}
