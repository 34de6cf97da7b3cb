//! One run at a time in the background; what came of each part is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Results `R` by key `K`, and how far the run is (`P`). A copy is the same one.
#[derive(Debug)]
pub struct Job<K, R, P>(Arc<Mutex<State<K, R, P>>>);

#[derive(Debug)]
struct State<K, R, P> {
    results: BTreeMap<K, R>,
    progress: Option<P>,
    left_over: Option<String>,
}

impl<K, R, P> Default for Job<K, R, P> {
    fn default() -> Self {
        let state = State { results: BTreeMap::new(), progress: None, left_over: None };
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

    pub fn left_over(&self) -> Option<String> {
        self.0.lock().left_over.clone()
    }

    /// Begins a run, unless one is under way. It is over when it is dropped.
    pub(crate) fn begin(&self, progress: P) -> Option<Run<K, R, P>> {
        let mut state = self.0.lock();
        if state.progress.is_some() {
            return None;
        }
        state.progress = Some(progress);
        state.left_over = Some("the run was interrupted".to_owned());
        Some(Run(self.clone()))
    }
}

/// A run that is under way; however it ends, the next one may begin.
#[derive(Debug)]
pub(crate) struct Run<K, R, P>(Job<K, R, P>);

impl<K: Ord, R: Clone, P: Clone> Run<K, R, P> {
    pub(crate) fn update(&self, update: impl FnOnce(&mut P)) {
        if let Some(progress) = &mut self.0.0.lock().progress {
            update(progress);
        }
    }

    pub(crate) fn keep(&self, key: K, result: R) {
        self.0.0.lock().results.insert(key, result);
    }

    pub(crate) fn forget(&self, key: &K) {
        self.0.0.lock().results.remove(key);
    }

    pub(crate) fn end(self, left_over: Option<String>) {
        self.0.0.lock().left_over = left_over;
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
    fn one_run_at_a_time_and_the_last_result_is_kept() {
        let job = Job::<u8, &str, u8>::default();
        let run = job.begin(0).expect("a run");
        assert!(job.begin(0).is_none(), "the first is under way");
        run.update(|done| *done += 1);
        run.keep(1, "one");
        assert_eq!((job.progress(), job.result(&1)), (Some(1), Some("one")));
        run.end(None);
        assert_eq!((job.progress(), job.left_over()), (None, None));
        // One that breaks off says so, and keeps nobody from the next.
        drop(job.begin(0).expect("a run"));
        assert!(job.left_over().is_some() && job.begin(0).is_some());
        assert_eq!(job.results().len(), 1);
    }
}
