//! What `/compare` has measured: one run at a time, the last result of each claim.

use latchkey_domain::{Clock, Timestamp};
use latchkey_lab::experiments::Experiment;
use latchkey_lab::run::Progress;
use latchkey_lab::{InstanceFactory, Options, Outcome};

use crate::job::Job;

/// By the number of the claim.
pub type Comparison = Job<u8, Measured, UnderWay>;

#[derive(Clone, Debug)]
pub struct Measured {
    pub outcome: Outcome,
    pub ground: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct UnderWay {
    pub claims: Vec<&'static Experiment>,
    pub done: usize,
    pub doing: String,
}

/// Begins to measure these claims beside the requests, unless a run is under
/// way: two would measure each other.
pub(super) fn begin(
    comparison: &Comparison,
    factory: Box<dyn InstanceFactory>,
    claims: Vec<&'static Experiment>,
    options: Options,
    clock: Clock,
) {
    let progress = UnderWay { claims: claims.clone(), done: 0, doing: "beginning".to_owned() };
    let Some(run) = comparison.begin(progress) else { return };
    tokio::spawn(async move {
        let described = factory.describe();
        let tell = |progress| match progress {
            Progress::Started(_) => {}
            Progress::Step(what) => run.update(|progress| progress.doing = what),
            Progress::Finished(outcome) => {
                run.update(|progress| progress.done += 1);
                let (ground, at) = (described.clone(), clock.now());
                run.keep(outcome.number, Measured { outcome: *outcome, ground, at });
            }
        };
        latchkey_lab::run(factory.as_ref(), &options, &claims, &tell).await;
        run.end(None);
    });
}
