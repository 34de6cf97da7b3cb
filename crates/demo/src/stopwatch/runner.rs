//! The revocation stopwatch, as the process keeps it: what runs, and what was
//! read off last. One run at a time, in development only.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use latchkey_lab::InstanceFactory;
use latchkey_lab::stopwatch::{Progress, Scenario, Timed};

/// What is known of each key.
#[derive(Clone, Debug, Default)]
pub struct Stopwatch(Arc<Mutex<BTreeMap<Scenario, Reading>>>);

/// What is known of one key.
#[derive(Clone, Debug)]
pub enum Reading {
    Begun,
    /// Its sign-in has ended; so many milliseconds later it was still let in.
    Running(f64),
    Timed(Box<Timed>),
    /// It could not be timed, and why.
    Failed(String),
}

impl Reading {
    /// Whether there is more to come.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self, Self::Begun | Self::Running(_))
    }
}

impl Stopwatch {
    /// What is known of each key that was ever timed.
    #[must_use]
    pub fn readings(&self) -> BTreeMap<Scenario, Reading> {
        self.0.lock().clone()
    }

    /// Everything that was timed, with every sample.
    #[must_use]
    pub fn timed(&self) -> Vec<Timed> {
        let readings = self.readings().into_values();
        let timed = readings.filter_map(|reading| match reading {
            Reading::Timed(timed) => Some(*timed),
            _ => None,
        });
        timed.collect()
    }

    fn note(&self, scenario: Scenario, reading: Reading) {
        self.0.lock().insert(scenario, reading);
    }

    /// Takes the watch for these keys, unless it is running.
    fn take(&self, scenarios: &[Scenario]) -> bool {
        let mut readings = self.0.lock();
        if readings.values().any(Reading::is_running) {
            return false;
        }
        readings.extend(scenarios.iter().map(|scenario| (*scenario, Reading::Begun)));
        true
    }
}

impl Stopwatch {
    /// Starts the watch for these keys, all at once, beside the requests. Nothing
    /// happens while it runs: two runs at a time would time each other.
    pub(crate) fn start(
        &self,
        factory: io::Result<Box<dyn InstanceFactory>>,
        scenarios: Vec<Scenario>,
    ) {
        if !self.take(&scenarios) {
            return;
        }
        let factory: Arc<dyn InstanceFactory> = match factory {
            Ok(factory) => factory.into(),
            Err(error) => {
                for scenario in scenarios {
                    self.note(scenario, Reading::Failed(error.to_string()));
                }
                return;
            }
        };
        let watch = self.clone();
        tokio::spawn(async move {
            let mut running = tokio::task::JoinSet::new();
            for scenario in scenarios {
                let (watch, factory) = (watch.clone(), Arc::clone(&factory));
                running.spawn(async move { watch.run(factory.as_ref(), scenario).await });
            }
            // A task that panicked is never heard of again, and must not hold the watch.
            while let Some(ended) = running.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "the stopwatch broke");
                }
            }
            watch.give_back();
        });
    }

    async fn run(&self, factory: &dyn InstanceFactory, scenario: Scenario) {
        let timed = scenario.run(factory, |progress| {
            let lived = match progress {
                Progress::Ended => 0.0,
                Progress::Polled(poll) => poll.asked,
            };
            self.note(scenario, Reading::Running(lived));
        });
        let reading = match timed.await {
            Ok(timed) => Reading::Timed(Box::new(timed)),
            Err(error) => Reading::Failed(error.to_string()),
        };
        self.note(scenario, reading);
    }
}

impl Stopwatch {
    fn give_back(&self) {
        let mut readings = self.0.lock();
        for reading in readings.values_mut().filter(|reading| reading.is_running()) {
            *reading = Reading::Failed("it did not finish".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time() {
        let watch = Stopwatch::default();
        assert!(watch.take(&[Scenario::Session]));
        assert!(!watch.take(&[Scenario::JwtExpiry]), "the session is still timed");
        watch.give_back();
        assert!(watch.take(&[Scenario::JwtExpiry]));
        assert!(watch.timed().is_empty());
    }
}
