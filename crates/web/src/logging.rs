//! The log, written to standard error as text or JSON.

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use latchkey_axum::middleware::CurrentRequest;
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Lines buffered for a slow reader; further lines are dropped.
const BUFFERED_LINES: usize = 8 * 1024;

/// How long the buffered lines may take to write when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

static DROPPED_LINES: OnceLock<ErrorCounter> = OnceLock::new();

pub(crate) fn lines_lost() -> u64 {
    DROPPED_LINES.get().map_or(0, |lost| lost.dropped_lines().try_into().unwrap_or(u64::MAX))
}

/// Flushes the log when it is dropped.
#[derive(Debug)]
pub struct Log(Option<WorkerGuard>);

impl Drop for Log {
    fn drop(&mut self) {
        let guard = self.0.take();
        let (sender, flushed) = mpsc::channel();
        // In a thread, because the guard may block for longer than the process may take.
        std::thread::spawn(move || {
            drop(guard);
            sender.send(())
        });
        let _ = flushed.recv_timeout(FLUSH_TIMEOUT);
    }
}

/// Logs what `RUST_LOG` selects. A separate thread writes, so that a slow reader blocks no
/// request.
pub fn start(filter: &str, json: bool) -> Log {
    // tower-sessions warns of every cookie whose session has expired. What `RUST_LOG` says of
    // these libraries comes later, and wins.
    const LIBRARIES: &str = "tower_sessions=error,tower_sessions_core=error,sqlx=warn";
    let (filter, invalid) = match EnvFilter::try_new(format!("{LIBRARIES},{filter}")) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(format!("{LIBRARIES},info")), Some(error)),
    };
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(BUFFERED_LINES)
        .lossy(true)
        .finish(std::io::stderr());
    let _ = DROPPED_LINES.set(writer.error_counter());
    let log = tracing_subscriber::fmt()
        // tracing-subscriber would print them to standard error, and panic if it is closed.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(!json && std::io::stderr().is_terminal())
        .event_format(if json { LineFormat::Json } else { LineFormat::Text });
    if json {
        log.fmt_fields(JsonFields::new()).init();
    } else {
        log.init();
    }
    if let Some(error) = invalid {
        tracing::warn!(%error, "RUST_LOG is not a log filter, so everything from info is logged");
    }
    // The default hook writes to standard error directly, and blocks.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Log(Some(guard))
}

/// Formats time, level, request and fields.
#[derive(Clone, Copy, Debug)]
enum LineFormat {
    Text,
    Json,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (level, request) = (event.metadata().level(), CurrentRequest::get());
        match self {
            Self::Text => {
                SystemTime.format_time(&mut to)?;
                write!(to, " {level:>5} ")?;
                if let Some(request) = request {
                    write!(to, "{request}: ")?;
                }
                context.format_fields(to.by_ref(), event)?;
            }
            Self::Json => {
                to.write_str("{\"timestamp\":\"")?;
                SystemTime.format_time(&mut to)?;
                write!(to, "\",\"level\":\"{level}\"")?;
                if let Some(request) = request {
                    let request = serde_json::to_string(&*request).map_err(|_| fmt::Error)?;
                    write!(to, ",\"request\":{request}")?;
                }
                let mut fields = String::new();
                context.format_fields(Writer::new(&mut fields), event)?;
                let fields = fields.strip_prefix('{').unwrap_or("}");
                write!(to, "{}{fields}", if fields == "}" { "" } else { "," })?;
            }
        }
        writeln!(to)
    }
}
