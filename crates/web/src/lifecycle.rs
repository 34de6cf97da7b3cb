//! Whether the process is about to end, and when it will have ended.

use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Somebody who asks `/readyz` asks at least so often.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Lifecycle {
    /// From the signal to the end of what is under way (`SHUTDOWN_GRACE`).
    grace: Duration,
    /// When somebody last asked whether this process is ready.
    asked: Mutex<Option<Instant>>,
    end: OnceLock<Instant>,
}

impl Lifecycle {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, asked: Mutex::default(), end: OnceLock::new() }
    }

    /// Somebody asks `/readyz`: they are to hear of the end before it comes.
    pub(crate) fn asked_whether_ready(&self) {
        *self.asked.lock() = Some(Instant::now());
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.end.get().is_some()
    }

    /// From now on the process is not ready, and serves for a quarter of the grace
    /// all the same when somebody watches it: they send nobody here afterwards.
    /// Says when the end is.
    pub(crate) async fn leave(&self) -> Instant {
        let end = self.end();
        let watched = self.asked.lock().is_some_and(|at| at.elapsed() < ASKED_WITHIN);
        if watched {
            tracing::info!("not ready any longer; serving until others have noticed");
            tokio::time::sleep(self.grace / 4).await;
        }
        end
    }

    /// When what is under way is cut off: as said when leaving began, else from now.
    pub(crate) fn end(&self) -> Instant {
        *self.end.get_or_init(|| Instant::now() + self.grace)
    }
}
