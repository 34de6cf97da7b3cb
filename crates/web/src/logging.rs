//! The log: one line for each thing that happened, to standard error.

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

/// Lines that wait for a slow reader; what comes beyond them is lost.
const WAITING: usize = 8 * 1024;

/// How long writing them may take at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// How many lines nobody took in time.
pub(crate) fn lines_lost() -> u64 {
    LOST.get().map_or(0, |lost| lost.dropped_lines().try_into().unwrap_or(u64::MAX))
}

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
    // There is one log.
    let _ = LOST.set(writer.error_counter());
    let log = tracing_subscriber::fmt()
        // It would complain on standard error, and panic when nobody reads that.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(!json && std::io::stderr().is_terminal())
        .event_format(if json { Line::Json } else { Line::Text });
    if json {
        log.fmt_fields(JsonFields::new()).init();
    } else {
        log.init();
    }
    // The standard one writes to standard error by itself, and waits for it.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Log(Some(guard))
}

/// How a line says when, how grave, for which request, and what.
#[derive(Clone, Copy, Debug)]
enum Line {
    Text,
    Json,
}

impl<S, N> FormatEvent<S, N> for Line
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
