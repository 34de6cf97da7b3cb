//! Calls that leave this process, and the trace that they carry on.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Request, header};
use latchkey_auth::http::{Error, Outbound, Tap, basic, basic_as_it_is, tapped};
use latchkey_auth::secret::Secret;
use latchkey_auth::trace_context::TraceContext;

#[test]
fn what_is_not_to_the_letter_is_no_trace() {
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
        headers.insert("traceparent", text.parse().expect("a value"));
        let expected = taken.then_some(TRACE);
        let found = TraceContext::of(&headers);
        assert_eq!(found.as_ref().map(TraceContext::trace_id), expected, "{text}");
        headers.append("traceparent", text.parse().expect("a value"));
        assert_eq!(TraceContext::of(&headers), None, "twice {text}");
    }
}

#[test]
fn credentials_are_form_encoded_before_they_are_joined() {
    let (id, secret) = ("acme client:1", Secret::new("s3cret+&%/\u{e9} word"));
    let pair = "acme+client%3A1:s3cret%2B%26%25%2F%C3%A9+word";
    assert_eq!(basic(id, &secret).expose(), format!("Basic {}", STANDARD.encode(pair)));
    let pair = "id:a+b";
    let header = basic_as_it_is("id", &Secret::new("a+b"));
    assert_eq!(header.expose(), format!("Basic {}", STANDARD.encode(pair)));
}

#[tokio::test]
async fn whoever_makes_a_request_its_credentials_are_marked() -> Result<(), Error> {
    let tap: Tap = Arc::new(|sent| {
        for name in [header::AUTHORIZATION, header::COOKIE] {
            assert!(
                sent.request.headers().get(&name).is_some_and(HeaderValue::is_sensitive),
                "{name}"
            );
        }
    });
    let request = Request::get("http://127.0.0.1:1/")
        .header(header::AUTHORIZATION, "Bearer a-token")
        .header(header::COOKIE, "a=b");
    let request = request.body(Vec::new()).map_err(|_| Error::Request)?;
    let outbound = Outbound::new()?;
    assert!(tapped(tap, outbound.send(request)).await.is_err(), "nobody listens there");
    Ok(())
}
