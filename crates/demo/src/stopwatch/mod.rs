//! The stopwatch: how long a copied credential works after it is revoked.

pub(crate) mod runner;

use crate::prelude::*;
use axum::body::Bytes;
use latchkey_lab::stopwatch::{PollOutcome, PromiseResult, Scenario, Timed};

#[derive(Debug, Template)]
#[template(path = "stopwatch.html")]
pub(crate) struct StopwatchPage {
    pub(crate) layout: Layout,
    /// How many are still being timed.
    pub(crate) running: Option<usize>,
    pub(crate) has_results: bool,
    pub(crate) scale: String,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) state: Option<String>,
    pub(crate) timed: Option<(Timed, Lane)>,
}

/// The x positions in a drawing that is 1,000 units wide: where the accepted polls start and end, the
/// last poll, and the promised limit.
#[derive(Debug, PartialEq)]
pub(crate) struct Lane {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) last: f64,
    pub(crate) limit: f64,
}

pub(crate) async fn page(State(demo): State<Demo>, caller: Option<Caller>) -> Page<StopwatchPage> {
    let (results, running) = (demo.stopwatch.results(), demo.stopwatch.progress());
    let timed = || results.values().flatten();
    let scale = timed().map(drawn_until).fold(1.0, f64::max);
    let in_progress = running.clone().unwrap_or_default();
    let rows = Scenario::ALL.map(|scenario| {
        let (state, timed) = match (in_progress.get(&scenario), results.get(&scenario)) {
            (Some(None), _) => (Some("Starting an instance.".to_owned()), None),
            (Some(Some(millis)), _) => (
                Some(format!("Revoked {} ago, still being checked.", format_millis(*millis))),
                None,
            ),
            (None, Some(Ok(timed))) => (None, Some((timed.clone(), lane(timed, scale)))),
            (None, Some(Err(why))) => (Some(format!("Could not be timed: {why}.")), None),
            (None, None) => (None, None),
        };
        Row { scenario, state, timed }
    });
    Page(StopwatchPage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/compare"),
        running: running.as_ref().map(std::collections::BTreeMap::len),
        has_results: rows.iter().any(|row| row.timed.is_some()),
        scale: format_millis(scale),
        rows: rows.into(),
    })
}

/// `POST /stopwatch`: the form has a `key` for each credential to time.
pub(crate) async fn submit(State(demo): State<Demo>, form: Bytes) -> HandlerResult<Redirect> {
    let pairs = url::form_urlencoded::parse(&form);
    let keys = pairs.filter(|(name, _)| name == "key");
    let mut scenarios: Vec<_> = keys.filter_map(|(_, slug)| Scenario::by_slug(&slug)).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    if !scenarios.is_empty() {
        runner::start(&demo.stopwatch, demo.instance_factory()?, scenarios);
    }
    Ok(Redirect::to("/stopwatch"))
}

/// `GET /stopwatch.json`: the latest results with every sample.
pub(crate) async fn samples(State(demo): State<Demo>) -> Json<Vec<Timed>> {
    Json(demo.stopwatch.results().into_values().flatten().collect())
}

fn promise(timed: &Timed) -> String {
    match timed.promised {
        0.0 => "refused at the next request".to_owned(),
        promised => format!("refused within {}", format_millis(promised)),
    }
}

fn lifetime(timed: &Timed) -> String {
    timed.millis_until_refused().map_or("not refused during the test".to_owned(), format_millis)
}

/// In milliseconds after the revocation.
fn drawn_until(timed: &Timed) -> f64 {
    let last = timed.polls.last().map_or(0.0, |poll| poll.answered);
    last.max(timed.promised)
}

fn lane(timed: &Timed, scale: f64) -> Lane {
    let x = |millis: f64| ((millis / scale).clamp(0.0, 1.0) * 1000.0).round();
    let last = timed.polls.last().map_or(0.0, |poll| poll.answered);
    let accepted =
        timed.polls.iter().find(|poll| poll.asked >= 0.0 && poll.seen == PollOutcome::Accepted);
    let end = timed.millis_until_refused().unwrap_or(last);
    // Without an accepted poll, nothing is drawn.
    let start = accepted.map_or(end, |poll| poll.asked);
    Lane { start: x(start), end: x(end), last: x(last), limit: x(timed.promised) }
}

/// In milliseconds below a tenth of a second, else in seconds.
fn format_millis(millis: f64) -> String {
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
    fn stopwatch_lanes_share_one_time_scale() {
        use PollOutcome::{Accepted, Refused};
        let polls_until_refused = [(-50.0, Accepted), (200.0, Accepted), (998.0, Refused)];
        for (polls, refused, promised, expected) in [
            (&polls_until_refused[..], 800.0, 1_000.0, [100.0, 400.0, 500.0, 500.0]),
            (&polls_until_refused, 800.0, 9_000.0, [100.0, 400.0, 500.0, 1_000.0]),
            // Only accepted before the revocation: there is nothing to draw.
            (
                &[(-50.0, Accepted), (2.0, Refused), (998.0, Refused)],
                4.0,
                0.0,
                [2.0, 2.0, 500.0, 0.0],
            ),
        ] {
            let [start, end, last, limit] = expected;
            let found = lane(&timed(polls, refused, promised), 2_000.0);
            assert_eq!(found, Lane { start, end, last, limit });
        }
        assert_eq!(drawn_until(&timed(&polls_until_refused, 800.0, 500.0)), 1_000.0);
    }

    #[test]
    fn milliseconds_are_formatted_with_units() {
        for (millis, text) in [(2.345, "2.3 ms"), (99.0, "99.0 ms"), (394.6, "0.39 s")] {
            assert_eq!(format_millis(millis), text);
        }
    }
}
