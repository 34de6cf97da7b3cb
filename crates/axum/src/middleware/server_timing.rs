//! `Server-Timing` for developers, and simulated database latency for measurements.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName};
use latchkey_auth::introspection::CallCounter;
use latchkey_store::count::Statements;

pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const LATENCY: HeaderName = HeaderName::from_static("x-latchkey-database-latency");

/// In milliseconds.
const MAX_LATENCY: f64 = 50.0;

/// The latency to add to each query of this request, such as `0.5ms`. In development only:
/// elsewhere it would let anyone slow down the server.
pub(super) fn simulated_latency(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(LATENCY)?.to_str().ok()?.trim();
    let millis: f64 = text.strip_suffix("ms").unwrap_or(text).trim_end().parse().ok()?;
    (0.0..=MAX_LATENCY).contains(&millis).then(|| Duration::from_secs_f64(millis / 1000.0))
}

/// The value of `Server-Timing`: queries, introspection calls if any, and the total.
pub(super) fn server_timing(
    statements: &Statements,
    calls: Option<&CallCounter>,
    start: Instant,
) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let sent = statements.sent();
    let noun = if sent == 1 { "query" } else { "queries" };
    let db = format!("db;dur={:.3};desc=\"{sent} {noun}\"", millis(statements.time()));
    let introspection = calls.and_then(|calls| {
        let made = calls.count()?;
        let noun = if made == 1 { "call" } else { "calls" };
        Some(format!(", introspection;dur={:.3};desc=\"{made} {noun}\"", millis(calls.time())))
    });
    format!("{db}{}, total;dur={:.3}", introspection.unwrap_or_default(), millis(start.elapsed()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn latency_header_accepts_only_bounded_milliseconds() {
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
            assert_eq!(simulated_latency(&headers), micros.map(Duration::from_micros), "{text}");
        }
        assert_eq!(simulated_latency(&HeaderMap::new()), None);
    }
}
