//! The log: one line for each thing that happened, to standard error.

use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait for a slow reader; what comes beyond them is lost.
const WAITING: usize = 8 * 1024;

/// How long writing them may take at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Ends the log: what waits is written, unless nobody reads it.
#[derive(Debug)]
pub struct Log(Option<WorkerGuard>);

impl Drop for Log {
    fn drop(&mut self) {
        let guard = self.0.take();
        let (done, ended) = mpsc::channel();
        // In a thread of its own: the guard may wait, or complain on standard
        // output, for longer than a process that is to end has.
        std::thread::spawn(move || {
            drop(guard);
            done.send(())
        });
        let _ = ended.recv_timeout(LAST_LINES);
    }
}

/// Starts writing the log, as `RUST_LOG` says, else from `info` on. A thread of
/// its own writes it: whoever reads it slowly, or not at all, stops no request.
///
/// tower-sessions calls a cookie whose session has ended "possibly suspicious";
/// here it is just that, so only its errors are kept.
pub fn start(filter: Option<&str>, json: bool) -> Log {
    const DEFAULT: &str = "info,tower_sessions=error,tower_sessions_core=error,sqlx=warn";
    let filter = filter.unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .lossy(true)
        .finish(std::io::stderr());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false)
        // It would complain on standard error, and panic when nobody reads that.
        .log_internal_errors(false);
    if json {
        log.json().flatten_event(true).init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
    // The standard one writes to standard error by itself, and waits for it.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Log(Some(guard))
}
