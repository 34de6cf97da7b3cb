//! Counts the statements of a request, and can add latency to each of them.

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
    /// Adds this latency to each statement, as if the database were that far away.
    pub fn with_latency(latency: Duration) -> Self {
        Self { latency, ..Self::default() }
    }

    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The time spent in the database, including the wait for a connection.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

tokio::task_local! {
    static STATEMENTS: Arc<Statements>;
}

/// Runs `future` and counts its statements in `statements`. Tasks that it spawns are not
/// counted.
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
    tracing::trace!("a statement");
    let output = statement.await;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    // Background work is not counted.
    let _ = STATEMENTS.try_with(|counted| {
        counted.sent.fetch_add(1, Ordering::Relaxed);
        counted.micros.fetch_add(micros, Ordering::Relaxed);
    });
    output
}

/// Waits to the microsecond. Tokio's timer has millisecond resolution and wakes late, so
/// the last two milliseconds are a loop that yields.
async fn wait_until(end: Instant) {
    const COARSE: Duration = Duration::from_millis(2);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match left.checked_sub(COARSE) {
            Some(sleep) if !sleep.is_zero() => tokio::time::sleep(sleep).await,
            _ => tokio::task::yield_now().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn simulated_latency_delays_each_counted_statement() {
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
