//! A background job that runs once at a time and keeps the latest result of each part.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Results `R` by key `K`, and the progress `P` of the run. Clones share them.
#[derive(Debug)]
pub struct Job<K, R, P>(Arc<Mutex<State<K, R, P>>>);

#[derive(Debug)]
struct State<K, R, P> {
    results: BTreeMap<K, R>,
    progress: Option<P>,
    problem: Option<String>,
}

impl<K, R, P> Default for Job<K, R, P> {
    fn default() -> Self {
        let state = State { results: BTreeMap::new(), progress: None, problem: None };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl<K, R, P> Clone for Job<K, R, P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Ord, R: Clone, P: Clone> Job<K, R, P> {
    pub fn result(&self, key: &K) -> Option<R> {
        self.0.lock().results.get(key).cloned()
    }

    pub fn results(&self) -> BTreeMap<K, R>
    where
        K: Clone,
    {
        self.0.lock().results.clone()
    }

    pub fn progress(&self) -> Option<P> {
        self.0.lock().progress.clone()
    }

    /// The problem of the last run.
    pub fn problem(&self) -> Option<String> {
        self.0.lock().problem.clone()
    }

    /// `None` while another run is in progress.
    pub(crate) fn start(&self, progress: P) -> Option<Run<K, R, P>> {
        let mut state = self.0.lock();
        if state.progress.is_some() {
            return None;
        }
        state.progress = Some(progress);
        state.problem = Some("the run was interrupted".to_owned());
        Some(Run(self.clone()))
    }
}

/// A run in progress. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Run<K, R, P>(Job<K, R, P>);

impl<K: Ord, R: Clone, P: Clone> Run<K, R, P> {
    pub(crate) fn update(&self, update: impl FnOnce(&mut P)) {
        if let Some(progress) = &mut self.0.0.lock().progress {
            update(progress);
        }
    }

    pub(crate) fn insert(&self, key: K, result: R) {
        self.0.0.lock().results.insert(key, result);
    }

    pub(crate) fn remove(&self, key: &K) {
        self.0.0.lock().results.remove(key);
    }

    pub(crate) fn finish(self, problem: Option<String>) {
        self.0.0.lock().problem = problem;
    }
}

impl<K, R, P> Drop for Run<K, R, P> {
    fn drop(&mut self) {
        self.0.0.lock().progress = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_job_runs_are_refused_and_results_kept() {
        let job = Job::<u8, &str, u8>::default();
        let run = job.start(0).expect("a run");
        assert!(job.start(0).is_none(), "the first is in progress");
        run.update(|done| *done += 1);
        run.insert(1, "one");
        assert_eq!((job.progress(), job.result(&1)), (Some(1), Some("one")));
        run.finish(None);
        assert_eq!((job.progress(), job.problem()), (None, None));
        // An interrupted run says so, and the next one can start.
        drop(job.start(0).expect("a run"));
        assert!(job.problem().is_some() && job.start(0).is_some());
        assert_eq!(job.results().len(), 1);
    }
}
