//! The revocation stopwatch: a sign-in is ended, its key is shown until it is
//! refused, and the time between is read off.

mod printer;
mod reading;
mod rounds;
mod subjects;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::{Agent, Call, Error, Result};

pub use reading::{CONFIRMED, Kept, Poll, Reading, Seen, has_stopped, kept, reading};
pub use rounds::{CACHED_FOR, Round, SHORT};
pub use subjects::{Between, expiring_jwt, introspected, session, watched_jwt};

/// How often a key is shown.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// How often it is shown before the end: it has to be alive to die.
const BEFORE: u32 = 3;

/// How much longer than promised the watch goes on.
const PATIENCE: Duration = Duration::from_secs(2);

/// A key that is about to lose its sign-in.
#[derive(Clone, Debug)]
pub struct Subject {
    pub slug: &'static str,
    pub key: String,
    pub ending: String,
    pub shows: Call,
    pub ends: Call,
    /// How long it may live on at most.
    pub promise: Duration,
    pub because: String,
}

/// One subject, and everything that was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    pub slug: String,
    pub key: String,
    pub ending: String,
    /// Why it may live as long as it may.
    pub because: String,
    /// How long that is, in milliseconds.
    pub promised: f64,
    /// How often it was shown: one every so many milliseconds.
    pub interval: f64,
    pub polls: Vec<Poll>,
    /// What that says. It can be computed again from the polls.
    pub reading: Reading,
    /// Whether it ended as soon as it was promised.
    pub kept: Kept,
}

/// What happens while a subject is timed.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// Its sign-in has just been ended: from here on time counts.
    Ended,
    /// It was shown after the end.
    Polled(Poll),
}

/// Times one subject. It is shown, ended, and shown every [`INTERVAL`] until it has
/// been refused [`CONFIRMED`] times, or is two seconds past its promise.
///
/// # Errors
/// When the sign-in cannot be ended.
pub async fn time(
    agent: &Agent,
    subject: &Subject,
    mut progress: impl FnMut(Progress),
) -> Result<Timed> {
    let start = Instant::now();
    let mut polls = Vec::new();
    for _ in 0..BEFORE {
        polls.push(show(agent, subject, start).await);
        sleep(INTERVAL).await;
    }
    let ended = agent.stranger().send(subject.ends.clone()).await?;
    if !(ended.status.is_success() || ended.status.is_redirection()) {
        return Err(Error::unexpected(&subject.ending, ended.status.as_str()));
    }
    // Whoever asked for the end knows now that it is done.
    let end = Instant::now();
    progress(Progress::Ended);
    let zero = millis(end - start);
    for poll in &mut polls {
        poll.asked -= zero;
        poll.answered -= zero;
    }
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !has_stopped(&polls) && end.elapsed() <= subject.promise + PATIENCE {
        ticks.tick().await;
        let poll = show(agent, subject, end).await;
        progress(Progress::Polled(poll));
        polls.push(poll);
    }
    Ok(Timed::of(subject, polls))
}

/// Shows the key once, as somebody who has copied it and nothing else.
async fn show(agent: &Agent, subject: &Subject, since: Instant) -> Poll {
    let asked = millis(since.elapsed());
    let status = match agent.stranger().send(subject.shows.clone()).await {
        Ok(answer) => answer.status.as_u16(),
        // Kept as a sample: no answer is not a refusal.
        Err(_) => 0,
    };
    Poll { asked, answered: millis(since.elapsed()), status, seen: Seen::of(status) }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Timed {
    /// Everything that was seen of a subject, and what it says.
    #[must_use]
    pub fn of(subject: &Subject, polls: Vec<Poll>) -> Self {
        let (promised, interval) = (millis(subject.promise), millis(INTERVAL));
        let reading = reading(&polls);
        Self {
            slug: subject.slug.to_owned(),
            key: subject.key.clone(),
            ending: subject.ending.clone(),
            because: subject.because.clone(),
            promised,
            interval,
            reading,
            kept: kept(reading, promised, interval),
            polls,
        }
    }

    /// How many milliseconds it lived on, where that is known: until the first refusal.
    #[must_use]
    pub const fn lived(&self) -> Option<f64> {
        match self.reading {
            Reading::Dead { first_refused, .. } => Some(first_refused),
            _ => None,
        }
    }

    /// How often it was shown after the end and let in.
    #[must_use]
    pub fn let_in_after_the_end(&self) -> f64 {
        let let_in = |poll: &&Poll| poll.asked >= 0.0 && poll.seen == Seen::Accepted;
        f64::from(u32::try_from(self.polls.iter().filter(let_in).count()).unwrap_or(u32::MAX))
    }
}
