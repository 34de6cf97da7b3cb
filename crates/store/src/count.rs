//! How many statements a request cost, counted where they are sent; and a dial
//! that puts the database farther away.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub struct Statements {
    sent: AtomicU32,
    micros: AtomicU64,
    latency: Duration,
}

impl Statements {
    /// Nothing yet; each statement takes so much longer than it does by itself,
    /// as if the database were that far away.
    pub fn with_latency(latency: Duration) -> Self {
        Self { latency, ..Self::default() }
    }

    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How long the database took over them, waiting for a connection included.
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
pub fn statements<F: Future>(
    statements: Arc<Statements>,
    future: F,
) -> impl Future<Output = F::Output> {
    STATEMENTS.scope(statements, future)
}

pub(crate) async fn one<F: Future>(statement: F) -> F::Output {
    let start = Instant::now();
    if let Ok(latency) = STATEMENTS.try_with(|counted| counted.latency) {
        wait_until(start + latency).await;
    }
    // Whoever reads the log at this level sees what happens beside requests, too.
    tracing::trace!("a statement");
    let output = statement.await;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    // Nobody counts in background work.
    let _ = STATEMENTS.try_with(|counted| {
        counted.sent.fetch_add(1, Ordering::Relaxed);
        counted.micros.fetch_add(micros, Ordering::Relaxed);
    });
    output
}

/// The timer counts in whole milliseconds and wakes up late: what is left
/// beyond them is waited for awake, with way given to others.
async fn wait_until(end: Instant) {
    const COARSE: Duration = Duration::from_millis(2);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match left.checked_sub(COARSE) {
            Some(most) if !most.is_zero() => tokio::time::sleep(most).await,
            _ => tokio::task::yield_now().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_dial_is_felt_by_each_statement_that_is_counted() {
        let latency = Duration::from_micros(3_500);
        let counted = Arc::new(Statements::with_latency(latency));
        statements(Arc::clone(&counted), async {
            for _ in 0..3 {
                one(std::future::ready(())).await;
            }
        })
        .await;
        assert_eq!(counted.sent(), 3);
        assert!(counted.time() >= latency * 3 - Duration::from_micros(3), "{counted:?}");
    }
}
