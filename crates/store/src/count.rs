//! How many statements a request cost, counted where they are sent.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Statements {
    sent: AtomicU32,
    micros: AtomicU64,
}

impl Statements {
    /// How many statements were sent.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How long the database took over them, waiting for a connection included.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

tokio::task_local! {
    static STATEMENTS: Arc<Statements>;
}

/// Runs `future`, and counts in `statements` what it sends to the database.
///
/// What it spawns onto other tasks is not counted: that is work beside the
/// request, not part of it.
pub async fn statements<F: Future>(statements: Arc<Statements>, future: F) -> F::Output {
    STATEMENTS.scope(statements, future).await
}

/// Runs one statement, and counts it.
pub(crate) async fn one<F: Future>(statement: F) -> F::Output {
    let start = Instant::now();
    let output = statement.await;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    // Nobody counts in background work.
    let _ = STATEMENTS.try_with(|counted| {
        counted.sent.fetch_add(1, Ordering::Relaxed);
        counted.micros.fetch_add(micros, Ordering::Relaxed);
    });
    output
}
