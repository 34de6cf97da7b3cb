//! Short alternating turns of load, so that noise affects all targets equally.

use std::cell::Cell;
use std::io::Result;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::http::Connection;
use crate::server::Server;

/// Concurrent connections.
pub const CONNECTIONS: usize = 32;

/// The result of one or several turns.
#[derive(Debug, Default)]
pub struct Turn {
    pub requests: usize,
    pub took: Duration,
    cpu_micros: u64,
    /// Microseconds, of each request.
    latencies: Vec<u32>,
}

impl Turn {
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.took += other.took;
        self.cpu_micros += other.cpu_micros;
        self.latencies.extend(other.latencies);
    }

    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }

    pub fn cpu_micros_per_request(&self) -> f64 {
        self.cpu_micros as f64 / self.requests.max(1) as f64
    }

    /// In milliseconds.
    pub fn latency(&mut self, part: f64) -> f64 {
        self.latencies.sort_unstable();
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        f64::from(self.latencies.get(at).copied().unwrap_or(0)) / 1000.0
    }
}

/// Keeps every connection busy for this time. `act` sends one request and reads its response.
/// Before that, a quarter of the time does not count: the operating system may have reclaimed
/// memory of a process that had nothing to do.
pub async fn turn<S, F>(
    server: &Server,
    clients: Vec<(Connection, S)>,
    takes: Duration,
    act: F,
) -> Result<Turn>
where
    S: Send + 'static,
    F: AsyncFnMut(&mut Connection, &mut S) -> Result<()> + Clone + 'static,
{
    let counts_from = Rc::new(Cell::new(None));
    let mut tasks = JoinSet::new();
    for (mut connection, mut state) in clients {
        let (mut act, counts_from) = (act.clone(), Rc::clone(&counts_from));
        tasks.spawn_local(async move {
            let mut latencies = Vec::new();
            let mut now = Instant::now();
            let is_over = |start: Option<Instant>| start.is_some_and(|at| at.elapsed() >= takes);
            while !is_over(counts_from.get()) {
                act(&mut connection, &mut state).await?;
                let end = Instant::now();
                if counts_from.get().is_some_and(|start| start <= now) {
                    latencies.push(u32::try_from((end - now).as_micros()).unwrap_or(u32::MAX));
                }
                now = end;
            }
            Ok::<_, std::io::Error>(latencies)
        });
    }
    tokio::time::sleep(takes / 4).await;
    let (start, cpu) = (Instant::now(), server.cpu_micros());
    counts_from.set(Some(start));
    let mut turn = Turn::default();
    while let Some(done) = tasks.join_next().await {
        turn.latencies.extend(done??);
    }
    turn.requests = turn.latencies.len();
    turn.took = start.elapsed();
    turn.cpu_micros = server.cpu_micros() - cpu;
    Ok(turn)
}
