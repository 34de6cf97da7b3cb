//! A name for each request, its line in the log, and what it cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use latchkey_auth::introspection::CallCounter;
use latchkey_auth::random;
use latchkey_store::count::{self, Statements};
use tracing::Instrument as _;

use crate::state::Latchkey;

/// The name of one request: in the answer, on error pages and in the log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

impl RequestId {
    pub(super) fn of(request: &Request) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const LATENCY: HeaderName = HeaderName::from_static("x-latchkey-database-latency");

/// Nobody's database is farther away than this, in milliseconds.
const MAX_LATENCY: f64 = 50.0;

/// Gives the request a name. One that comes in from outside is not taken over:
/// what a stranger writes does not belong in our log.
pub(super) async fn request_id(
    State(latchkey): State<Latchkey>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId(random::token()[..22].to_owned());
    request.extensions_mut().insert(id.clone());
    // The pattern, never the path: a path and a query can hold a code or a token.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let span = tracing::info_span!("request", id = id.0, method = %request.method(), route);
    let latency = if latchkey.config.is_development() { dial(request.headers()) } else { None };
    let statements = Arc::new(Statements::with_latency(latency.unwrap_or_default()));
    let calls = Arc::new(CallCounter::default());
    request.extensions_mut().insert(Arc::clone(&calls));
    let start = Instant::now();
    let answer = count::statements(Arc::clone(&statements), next.run(request));
    let mut response = answer.instrument(span.clone()).await;
    span.in_scope(|| {
        tracing::info!(
            status = response.status().as_u16(),
            millis = start.elapsed().as_millis(),
            queries = statements.sent(),
            "answered"
        );
    });
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id.0) {
        headers.insert(REQUEST_ID, value);
    }
    // How long a query takes tells strangers something; developers want to know.
    if latchkey.config.is_development()
        && let Ok(value) = HeaderValue::try_from(server_timing(&statements, &calls, start))
    {
        headers.insert(SERVER_TIMING, value);
    }
    response
}

/// How far away the database is to be made for this request: `0.5ms`. It is for
/// whoever measures, in development alone; elsewhere nobody may slow us down.
fn dial(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(LATENCY)?.to_str().ok()?.trim();
    let millis: f64 = text.strip_suffix("ms").unwrap_or(text).trim_end().parse().ok()?;
    (0.0..=MAX_LATENCY).contains(&millis).then(|| Duration::from_secs_f64(millis / 1000.0))
}

/// What a request cost: queries, and calls about an app's token if it showed one.
fn server_timing(statements: &Statements, calls: &CallCounter, start: Instant) -> String {
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    let sent = statements.sent();
    let noun = if sent == 1 { "query" } else { "queries" };
    let db = format!("db;dur={:.3};desc=\"{sent} {noun}\"", millis(statements.time()));
    let asked = calls.made().map(|made| {
        let noun = if made == 1 { "call" } else { "calls" };
        format!(", introspection;dur={:.3};desc=\"{made} {noun}\"", millis(calls.time()))
    });
    format!("{db}{}, total;dur={:.3}", asked.unwrap_or_default(), millis(start.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dial_takes_milliseconds_and_no_nonsense() {
        for (text, micros) in [
            ("0.5ms", Some(500)),
            ("2 ms", Some(2_000)),
            ("10", Some(10_000)),
            ("0", Some(0)),
            ("50ms", Some(50_000)),
            ("50.1ms", None),
            ("-1ms", None),
            ("NaN", None),
            ("inf", None),
            ("1s", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LATENCY, HeaderValue::from_static(text));
            assert_eq!(dial(&headers), micros.map(Duration::from_micros), "{text}");
        }
        assert_eq!(dial(&HeaderMap::new()), None);
    }
}
