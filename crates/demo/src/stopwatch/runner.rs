//! Runs the stopwatch in the background and keeps the latest result of each scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_lab::InstanceFactory;
use latchkey_lab::stopwatch::{Progress, Scenario, Timed};
use tokio::task::JoinSet;

use crate::job::Job;

/// The latest result of each scenario, or why there is none. The progress is the time since the
/// revocation, in milliseconds.
pub(crate) type Stopwatch = Job<Scenario, Result<Timed, String>, BTreeMap<Scenario, Option<f64>>>;

/// Times the scenarios in parallel. Has no effect while a run is in progress, because two would slow
/// each other down.
pub(super) fn start(
    stopwatch: &Stopwatch,
    factory: Box<dyn InstanceFactory>,
    scenarios: Vec<Scenario>,
) {
    let progress = scenarios.iter().map(|scenario| (*scenario, None)).collect();
    let Some(run) = stopwatch.start(progress) else { return };
    // Replaced by the result, unless the task panics.
    for scenario in &scenarios {
        run.insert(*scenario, Err("it did not finish".to_owned()));
    }
    let (run, factory) = (Arc::new(run), Arc::<dyn InstanceFactory>::from(factory));
    tokio::spawn(async move {
        let mut running = JoinSet::new();
        for scenario in scenarios {
            let (run, factory) = (Arc::clone(&run), Arc::clone(&factory));
            running.spawn(async move {
                let timed = scenario.run(factory.as_ref(), |progress| {
                    let millis = match progress {
                        Progress::Revoked => 0.0,
                        Progress::Polled(poll) => poll.asked,
                    };
                    run.update(|scenarios| {
                        scenarios.insert(scenario, Some(millis));
                    });
                });
                run.insert(scenario, timed.await.map_err(|error| error.to_string()));
                run.update(|scenarios| {
                    scenarios.remove(&scenario);
                });
            });
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a stopwatch task failed");
            }
        }
    });
}
