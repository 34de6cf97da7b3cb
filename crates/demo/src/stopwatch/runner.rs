//! What the stopwatch has read off: one run at a time, the last reading of each key.

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_lab::InstanceFactory;
use latchkey_lab::stopwatch::{Progress, Scenario, Timed};
use tokio::task::JoinSet;

use crate::job::Job;

/// The last reading of each key, or why there is none; and of those that are
/// being timed, how long they have lived after the end, in milliseconds.
pub(crate) type Stopwatch = Job<Scenario, Result<Timed, String>, BTreeMap<Scenario, Option<f64>>>;

/// Times these keys, all at once, beside the requests. Nothing happens while
/// a run is under way: two runs at a time would time each other.
pub(super) fn start(
    stopwatch: &Stopwatch,
    factory: std::io::Result<Box<dyn InstanceFactory>>,
    scenarios: Vec<Scenario>,
) {
    let progress = scenarios.iter().map(|scenario| (*scenario, None)).collect();
    let Some(run) = stopwatch.begin(progress) else { return };
    // What stands if a task breaks, or if no instance can be started.
    let failed = factory.as_ref().err().map_or("it did not finish".to_owned(), ToString::to_string);
    for scenario in &scenarios {
        run.keep(*scenario, Err(failed.clone()));
    }
    let Ok(factory) = factory else { return };
    let (run, factory) = (Arc::new(run), Arc::<dyn InstanceFactory>::from(factory));
    tokio::spawn(async move {
        let mut running = JoinSet::new();
        for scenario in scenarios {
            let (run, factory) = (Arc::clone(&run), Arc::clone(&factory));
            running.spawn(async move {
                let timed = scenario.run(factory.as_ref(), |progress| {
                    let lived = match progress {
                        Progress::Revoked => 0.0,
                        Progress::Polled(poll) => poll.asked,
                    };
                    run.update(|scenarios| {
                        scenarios.insert(scenario, Some(lived));
                    });
                });
                run.keep(scenario, timed.await.map_err(|error| error.to_string()));
                run.update(|scenarios| {
                    scenarios.remove(&scenario);
                });
            });
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the stopwatch broke");
            }
        }
    });
}
