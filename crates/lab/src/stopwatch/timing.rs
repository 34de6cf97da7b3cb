//! Times one credential.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::credentials::TimedCredential;
use super::reading::{
    Poll, PollOutcome, PromiseResult, Reading, has_stopped, promise_result, reading,
};
use crate::agent::Agent;
use crate::error::{Error, Result};
use crate::stats::as_f64;

/// The time between two polls.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// Polls before the revocation, to prove that the credential works.
const POLLS_BEFORE: u32 = 3;

/// How long to poll beyond the promised time.
const EXTRA_TIME: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    pub slug: String,
    /// In milliseconds after the revocation.
    pub promised: f64,
    /// In milliseconds.
    pub interval: f64,
    pub polls: Vec<Poll>,
    pub reading: Reading,
    pub kept: PromiseResult,
}

#[derive(Clone, Copy, Debug)]
pub enum Progress {
    Revoked,
    Polled(Poll),
}

/// Sends a credential, revokes it, and sends it every [`INTERVAL`] until [`has_stopped`], or until
/// two seconds after the promised time.
pub async fn time(
    agent: &Agent,
    slug: &str,
    credential: &TimedCredential,
    mut progress: impl FnMut(Progress),
) -> Result<Timed> {
    let start = Instant::now();
    let mut polls = Vec::new();
    for _ in 0..POLLS_BEFORE {
        polls.push(send(agent, credential, start).await);
        sleep(INTERVAL).await;
    }
    let answer = agent.fresh().send(credential.revocation.clone()).await?;
    if !(answer.status.is_success() || answer.status.is_redirection()) {
        return Err(Error::unexpected("the revocation", answer.status.as_str()));
    }
    // The clock starts when the revocation is confirmed.
    let revoked = Instant::now();
    progress(Progress::Revoked);
    let offset = millis(revoked - start);
    for poll in &mut polls {
        poll.asked -= offset;
        poll.answered -= offset;
    }
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !has_stopped(&polls) && revoked.elapsed() <= credential.promise + EXTRA_TIME {
        ticks.tick().await;
        let poll = send(agent, credential, revoked).await;
        progress(Progress::Polled(poll));
        polls.push(poll);
    }
    Ok(Timed::of(slug, credential, polls))
}

async fn send(agent: &Agent, credential: &TimedCredential, since: Instant) -> Poll {
    let asked = millis(since.elapsed());
    let status = match agent.fresh().send(credential.request.clone()).await {
        Ok(answer) => answer.status.as_u16(),
        // No answer is not a refusal.
        Err(_) => 0,
    };
    Poll { asked, answered: millis(since.elapsed()), status, seen: PollOutcome::of(status) }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Timed {
    pub fn of(slug: &str, credential: &TimedCredential, polls: Vec<Poll>) -> Self {
        let (promised, interval) = (millis(credential.promise), millis(INTERVAL));
        let reading = reading(&polls);
        Self {
            slug: slug.to_owned(),
            promised,
            interval,
            reading,
            kept: promise_result(reading, promised, interval),
            polls,
        }
    }

    pub const fn millis_until_refused(&self) -> Option<f64> {
        match self.reading {
            Reading::Dead { first_refused, .. } => Some(first_refused),
            _ => None,
        }
    }

    /// The number of requests accepted after the revocation.
    pub fn accepted_after_revocation(&self) -> f64 {
        let accepted = |poll: &&Poll| poll.asked >= 0.0 && poll.seen == PollOutcome::Accepted;
        as_f64(self.polls.iter().filter(accepted).count())
    }
}
