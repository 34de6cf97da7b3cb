//! The revocation stopwatch: how long a key lives on after its sign-in has ended.

pub(crate) mod runner;

use crate::prelude::*;
use axum::body::Bytes;
use latchkey_lab::stopwatch::{PollOutcome, PromiseResult, Scenario, Timed};

#[derive(Debug, Template)]
#[template(path = "stopwatch.html")]
pub(crate) struct StopwatchPage {
    pub(crate) layout: Layout,
    /// How many are being timed, while any is.
    pub(crate) running: Option<usize>,
    pub(crate) has_read: bool,
    pub(crate) scale: String,
    pub(crate) rows: Vec<Watched>,
}

#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) scenario: Scenario,
    pub(crate) state: Option<String>,
    pub(crate) timed: Option<(Timed, Lane)>,
}

/// A drawing of one key, 1,000 wide: where what was let in begins and ends, where the samples
/// end, and until when it may be let in.
#[derive(Debug, PartialEq)]
pub(crate) struct Lane {
    pub(crate) begins: f64,
    pub(crate) ends: f64,
    pub(crate) last: f64,
    pub(crate) promise: f64,
}

pub(crate) async fn page(State(demo): State<Demo>, caller: Option<Caller>) -> Page<StopwatchPage> {
    let (results, running) = (demo.stopwatch.results(), demo.stopwatch.progress());
    let timed = || results.values().flatten();
    let scale = timed().map(end_of_scale).fold(1.0, f64::max);
    let under_way = running.clone().unwrap_or_default();
    let rows = Scenario::ALL.map(|scenario| {
        let (state, timed) = match (under_way.get(&scenario), results.get(&scenario)) {
            (Some(None), _) => (Some("Starting its instance.".to_owned()), None),
            (Some(Some(lived)), _) => {
                (Some(format!("Revoked {} ago, still being checked.", seconds(*lived))), None)
            }
            (None, Some(Ok(timed))) => (None, Some((timed.clone(), lane(timed, scale)))),
            (None, Some(Err(why))) => (Some(format!("Could not be timed: {why}.")), None),
            (None, None) => (None, None),
        };
        Watched { scenario, state, timed }
    });
    Page(StopwatchPage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/compare"),
        running: running.as_ref().map(std::collections::BTreeMap::len),
        has_read: rows.iter().any(|row| row.timed.is_some()),
        scale: seconds(scale),
        rows: rows.into(),
    })
}

/// `POST /stopwatch`, with a `key` for each key to be timed.
pub(crate) async fn submit(State(demo): State<Demo>, form: Bytes) -> Redirect {
    let pairs = url::form_urlencoded::parse(&form);
    let keys = pairs.filter(|(name, _)| name == "key");
    let mut scenarios: Vec<_> = keys.filter_map(|(_, slug)| Scenario::by_slug(&slug)).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    if !scenarios.is_empty() {
        runner::start(&demo.stopwatch, demo.instances(), scenarios);
    }
    Redirect::to("/stopwatch")
}

/// `GET /stopwatch.json`: what was timed last, with every sample.
pub(crate) async fn samples(State(demo): State<Demo>) -> Json<Vec<Timed>> {
    Json(demo.stopwatch.results().into_values().flatten().collect())
}

fn promise(timed: &Timed) -> String {
    match timed.promised {
        0.0 => "refused at the next request".to_owned(),
        promised => format!("refused within {}", seconds(promised)),
    }
}

fn lifetime(timed: &Timed) -> String {
    timed.millis_until_refused().map_or("not refused while watched".to_owned(), seconds)
}

/// As far as the drawing has to reach for this key.
fn end_of_scale(timed: &Timed) -> f64 {
    let last = timed.polls.last().map_or(0.0, |poll| poll.answered);
    last.max(timed.promised)
}

fn lane(timed: &Timed, scale: f64) -> Lane {
    let x = |millis: f64| ((millis / scale).clamp(0.0, 1.0) * 1000.0).round();
    let last = timed.polls.last().map_or(0.0, |poll| poll.answered);
    let let_in =
        timed.polls.iter().find(|poll| poll.asked >= 0.0 && poll.seen == PollOutcome::Accepted);
    let ends = timed.millis_until_refused().unwrap_or(last);
    // What was let in nowhere begins where it ends.
    let begins = let_in.map_or(ends, |poll| poll.asked);
    Lane { begins: x(begins), ends: x(ends), last: x(last), promise: x(timed.promised) }
}

/// Milliseconds for people: in milliseconds below a tenth of a second, else in seconds.
fn seconds(millis: f64) -> String {
    if millis < 100.0 { format!("{millis:.1} ms") } else { format!("{:.2} s", millis / 1000.0) }
}

#[cfg(test)]
mod tests {
    use latchkey_lab::stopwatch::{Poll, Reading as Read};

    use super::*;

    fn timed(polls: &[(f64, PollOutcome)], first_refused: f64, promised: f64) -> Timed {
        let poll = |(asked, seen)| Poll { asked, answered: asked + 2.0, status: 200, seen };
        Timed {
            slug: "session".to_owned(),
            promised,
            interval: 50.0,
            polls: polls.iter().copied().map(poll).collect(),
            reading: Read::Dead { last_accepted: None, first_refused },
            kept: PromiseResult::Yes,
        }
    }

    #[test]
    fn lanes_share_one_scale() {
        use PollOutcome::{Accepted, Refused};
        let lives = [(-50.0, Accepted), (200.0, Accepted), (998.0, Refused)];
        for (polls, refused, promised, lane_of) in [
            (&lives[..], 800.0, 1_000.0, [100.0, 400.0, 500.0, 500.0]),
            (&lives, 800.0, 9_000.0, [100.0, 400.0, 500.0, 1_000.0]),
            // Let in before the end alone: there is nothing to draw.
            (
                &[(-50.0, Accepted), (2.0, Refused), (998.0, Refused)],
                4.0,
                0.0,
                [2.0, 2.0, 500.0, 0.0],
            ),
        ] {
            let [begins, ends, last, promise] = lane_of;
            let found = lane(&timed(polls, refused, promised), 2_000.0);
            assert_eq!(found, Lane { begins, ends, last, promise });
        }
        assert_eq!(end_of_scale(&timed(&lives, 800.0, 500.0)), 1_000.0);
    }

    #[test]
    fn times_for_people() {
        for (millis, text) in [(2.345, "2.3 ms"), (99.0, "99.0 ms"), (394.6, "0.39 s")] {
            assert_eq!(seconds(millis), text);
        }
    }
}
