//! The log: one line for each thing that happened, to standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts writing the log, as `RUST_LOG` says, else from `info` on.
///
/// tower-sessions calls a cookie whose session has ended "possibly suspicious";
/// here it is just that, so only its errors are kept.
pub fn start(filter: Option<&str>) {
    const DEFAULT: &str = "info,tower_sessions=error,tower_sessions_core=error,sqlx=warn";
    let filter = filter.unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}
