//! What `/compare` has measured: one run at a time, the last result of each claim.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_domain::{Clock, Timestamp};
use latchkey_lab::experiments::Experiment;
use latchkey_lab::run::Progress;
use latchkey_lab::{InstanceFactory, Options, Outcome};

/// What was measured in this process, and what is being measured. A copy is the
/// same one.
#[derive(Clone, Debug, Default)]
pub struct Comparison(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    results: BTreeMap<u8, Measured>,
    under_way: Option<UnderWay>,
}

/// A claim's last result.
#[derive(Clone, Debug)]
pub struct Measured {
    pub outcome: Outcome,
    pub ground: String,
    pub at: Timestamp,
}

/// A run that has not ended.
#[derive(Clone, Debug)]
pub struct UnderWay {
    pub claims: Vec<&'static Experiment>,
    /// How many of them are done.
    pub done: usize,
    pub doing: String,
}

impl Comparison {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// The last result of a claim.
    #[must_use]
    pub fn result(&self, claim: u8) -> Option<Measured> {
        self.state().results.get(&claim).cloned()
    }

    /// The run that is under way.
    #[must_use]
    pub fn under_way(&self) -> Option<UnderWay> {
        self.state().under_way.clone()
    }

    /// Begins to measure these claims beside the requests, unless a run is
    /// under way: two would measure each other.
    ///
    /// # Errors
    /// When the system gives no threads for it.
    pub fn begin(
        &self,
        factory: std::io::Result<Box<dyn InstanceFactory>>,
        claims: Vec<&'static Experiment>,
        options: Options,
        clock: Clock,
    ) -> std::io::Result<()> {
        let mut state = self.state();
        if state.under_way.is_some() {
            return Ok(());
        }
        let factory = factory?;
        state.under_way =
            Some(UnderWay { claims: claims.clone(), done: 0, doing: "beginning".to_owned() });
        drop(state);
        let running = Running(self.clone());
        tokio::spawn(async move {
            let ground_is = factory.describe();
            let tell = |progress| running.0.note(progress, &ground_is, clock.now());
            latchkey_lab::run(factory.as_ref(), &options, &claims, &tell).await;
        });
        Ok(())
    }

    fn note(&self, progress: Progress, ground: &str, now: Timestamp) {
        let mut state = self.state();
        match progress {
            Progress::Begun(_) => {}
            Progress::Doing(what) => {
                if let Some(run) = &mut state.under_way {
                    run.doing = what;
                }
            }
            Progress::Ended(outcome) => {
                if let Some(run) = &mut state.under_way {
                    run.done += 1;
                }
                let (number, ground) = (outcome.number, ground.to_owned());
                state.results.insert(number, Measured { outcome: *outcome, ground, at: now });
            }
        }
    }
}

/// A run; however it ends, the next one may begin.
struct Running(Comparison);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.state().under_way = None;
    }
}
