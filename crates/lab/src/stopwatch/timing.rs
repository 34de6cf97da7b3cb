//! Timing one credential.

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

/// Between two requests with the credential.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// Requests sent before the revocation, to prove that the credential works.
const PROBES_BEFORE: u32 = 3;

/// How much longer than promised it is timed.
const EXTRA_TIME: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    pub slug: String,
    /// How soon it is to be refused, in milliseconds.
    pub promised: f64,
    pub interval: f64,
    pub polls: Vec<Poll>,
    pub reading: Reading,
    pub kept: PromiseResult,
}

#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// The sign-in has just been ended: from here on time counts.
    Revoked,
    Polled(Poll),
}

/// Sends a credential, revocation its sign-in, and sends it every [`INTERVAL`] until it has been
/// refused often enough ([`has_stopped`]), or is two seconds past its promise.
pub async fn time(
    agent: &Agent,
    credential: &TimedCredential,
    mut progress: impl FnMut(Progress),
) -> Result<Timed> {
    let start = Instant::now();
    let mut polls = Vec::new();
    for _ in 0..PROBES_BEFORE {
        polls.push(send(agent, credential, start).await);
        sleep(INTERVAL).await;
    }
    let ended = agent.fresh().send(credential.revocation.clone()).await?;
    if !(ended.status.is_success() || ended.status.is_redirection()) {
        return Err(Error::unexpected(credential.slug, ended.status.as_str()));
    }
    // From here on the owner knows that it is done.
    let end = Instant::now();
    progress(Progress::Revoked);
    let zero = millis(end - start);
    for poll in &mut polls {
        poll.asked -= zero;
        poll.answered -= zero;
    }
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !has_stopped(&polls) && end.elapsed() <= credential.promise + EXTRA_TIME {
        ticks.tick().await;
        let poll = send(agent, credential, end).await;
        progress(Progress::Polled(poll));
        polls.push(poll);
    }
    Ok(Timed::of(credential, polls))
}

async fn send(agent: &Agent, credential: &TimedCredential, since: Instant) -> Poll {
    let asked = millis(since.elapsed());
    let status = match agent.fresh().send(credential.request.clone()).await {
        Ok(answer) => answer.status.as_u16(),
        // It counts as a sample: no answer is not a refusal.
        Err(_) => 0,
    };
    Poll { asked, answered: millis(since.elapsed()), status, seen: PollOutcome::of(status) }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Timed {
    pub fn of(credential: &TimedCredential, polls: Vec<Poll>) -> Self {
        let (promised, interval) = (millis(credential.promise), millis(INTERVAL));
        let reading = reading(&polls);
        Self {
            slug: credential.slug.to_owned(),
            promised,
            interval,
            reading,
            kept: promise_result(reading, promised, interval),
            polls,
        }
    }

    /// How many milliseconds it lived on, where that is known.
    pub const fn millis_until_refused(&self) -> Option<f64> {
        match self.reading {
            Reading::Dead { first_refused, .. } => Some(first_refused),
            _ => None,
        }
    }

    /// How often it was accepted after the end.
    pub fn accepted_after_revocation(&self) -> f64 {
        let let_in = |poll: &&Poll| poll.asked >= 0.0 && poll.seen == PollOutcome::Accepted;
        as_f64(self.polls.iter().filter(let_in).count())
    }
}
