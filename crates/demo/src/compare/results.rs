//! The results of `/compare`: the latest of each claim, from one run at a time.

use latchkey_domain::{Clock, Timestamp};
use latchkey_lab::experiments::Experiment;
use latchkey_lab::run::Progress;
use latchkey_lab::{InstanceFactory, Options, Outcome};

use crate::job::Job;

/// Keyed by the number of the claim.
pub type Comparison = Job<u8, Measured, RunProgress>;

#[derive(Clone, Debug)]
pub struct Measured {
    pub outcome: Outcome,
    /// A description of the measured instances.
    pub instances: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct RunProgress {
    pub claims: Vec<&'static Experiment>,
    pub done: usize,
}

/// Measures in the background, unless a run is in progress: two would slow each other down.
pub(super) fn start(
    comparison: &Comparison,
    factory: Box<dyn InstanceFactory>,
    claims: Vec<&'static Experiment>,
    options: Options,
    clock: Clock,
) {
    let progress = RunProgress { claims: claims.clone(), done: 0 };
    let Some(run) = comparison.start(progress) else { return };
    tokio::spawn(async move {
        let on_progress = |progress| {
            if let Progress::Finished(outcome) = progress {
                let (instances, at) = (factory.describe(), clock.now());
                run.insert(outcome.number, Measured { outcome: *outcome, instances, at });
                run.update(|progress| progress.done += 1);
            }
        };
        latchkey_lab::run(factory.as_ref(), &options, &claims, &on_progress).await;
        run.finish(None);
    });
}
