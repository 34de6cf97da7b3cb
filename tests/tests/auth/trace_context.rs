//! Parsing `traceparent`.

use http::HeaderMap;
use latchkey_auth::trace_context::{TRACEPARENT, TraceContext};

#[test]
fn invalid_or_repeated_traceparent_is_ignored() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";
    let zeros = "0".repeat(32);
    for (text, taken) in [
        (format!("00-{TRACE}-{PARENT}-01"), true),
        (format!("01-{TRACE}-{PARENT}-01-more"), true),
        (format!("00-{TRACE}-{PARENT}-01-more"), false),
        (format!("ff-{TRACE}-{PARENT}-01"), false),
        (format!("00-{zeros}-{PARENT}-01"), false),
        (format!("00-{TRACE}-{}-01", &zeros[..16]), false),
        (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), false),
        (format!("00-{TRACE}-{PARENT}"), false),
        (format!("00-{TRACE}-{PARENT}-1"), false),
        (String::new(), false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, text.parse().expect("a value"));
        let expected = taken.then(|| u128::from_str_radix(TRACE, 16).expect("hex"));
        let found = TraceContext::from_headers(&headers);
        assert_eq!(found.map(|found| found.trace_id), expected, "{text}");
        headers.append(TRACEPARENT, text.parse().expect("a value"));
        assert_eq!(TraceContext::from_headers(&headers), None, "twice {text}");
    }
}
