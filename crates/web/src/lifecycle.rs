//! When the process shuts down, and how long it continues to serve.

use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// After a probe of `/readyz` this recent, we assume that a load balancer watches it.
const PROBE_WINDOW: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Lifecycle {
    /// `SHUTDOWN_GRACE`: from the signal to the deadline.
    grace: Duration,
    last_probe: Mutex<Option<Instant>>,
    deadline: OnceLock<Instant>,
}

impl Lifecycle {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, last_probe: Mutex::default(), deadline: OnceLock::new() }
    }

    pub(crate) fn record_probe(&self) {
        *self.last_probe.lock() = Some(Instant::now());
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.deadline.get().is_some()
    }

    /// Makes `/readyz` fail and returns the deadline. If a load balancer watches, the
    /// process keeps serving for a quarter of the grace, until no requests come here.
    pub(crate) async fn begin_shutdown(&self) -> Instant {
        let deadline = self.deadline();
        let watched = self.last_probe.lock().is_some_and(|at| at.elapsed() < PROBE_WINDOW);
        if watched {
            tracing::info!("no longer ready; serving until load balancers have noticed");
            tokio::time::sleep(self.grace / 4).await;
        }
        deadline
    }

    /// When requests in flight are cut off: the grace after the first call.
    pub(crate) fn deadline(&self) -> Instant {
        *self.deadline.get_or_init(|| Instant::now() + self.grace)
    }
}
