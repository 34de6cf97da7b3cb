//! Redirect targets after signing in, and time.

use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::{Span, Timestamp};
use url::Url;

const DEFAULT: &str = "/account";

#[test]
fn return_to_accepts_only_local_paths() -> Result<(), url::ParseError> {
    let ours = Url::parse("https://app.test")?;
    for (next, lands) in [
        ("/", "/"),
        ("/compare?x=1#top", "/compare?x=1#top"),
        ("/a/../b", "/b"),
        ("/account", "/account"),
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("", DEFAULT),
        ("account", DEFAULT),
        ("//evil.test", DEFAULT),
        ("///evil.test", DEFAULT),
        ("/\\evil.test", DEFAULT),
        ("\\\\evil.test", DEFAULT),
        ("/\tevil", DEFAULT),
        ("/\t/evil.test", DEFAULT),
        ("\t//evil.test", DEFAULT),
        (" //evil.test", DEFAULT),
        ("/.//evil.test", DEFAULT),
        ("/x/..//evil.test", DEFAULT),
        ("https://evil.test", DEFAULT),
        ("https://app.test/account", DEFAULT),
        ("https:evil.test", DEFAULT),
        ("https://app.test@evil.test", DEFAULT),
        ("javascript:alert(1)", DEFAULT),
        ("data:text/html,x", DEFAULT),
        ("/\r\nSet-Cookie: a=b", DEFAULT),
    ] {
        assert_eq!(ReturnTo::parse(Some(next), &ours).as_str(), lands, "{next:?}");
    }
    assert_eq!(ReturnTo::parse(None, &ours).as_str(), DEFAULT);
    let long = format!("/{}", "a".repeat(1024));
    assert_eq!(ReturnTo::parse(Some(&long), &ours).as_str(), DEFAULT);
    Ok(())
}

#[test]
fn spans_are_displayed_in_words() {
    for (span, said) in [
        (Span::millis(0), "less than a second"),
        (Span::millis(-5), "less than a second"),
        (Span::seconds(1), "1 second"),
        (Span::seconds(252), "4 minutes 12 seconds"),
        (Span::minutes(60), "1 hour"),
        (Span::millis(90_061_000), "1 day 1 hour"),
    ] {
        assert_eq!(span.to_string(), said);
    }
}

#[test]
fn timestamps_format_as_rfc3339_and_text() {
    let at = Timestamp::from_seconds(1_795_450_320);
    assert_eq!(at.rfc3339(), "2026-11-23T16:12:00Z");
    assert_eq!(at.to_string(), "23 Nov 2026, 16:12 UTC");
    assert_eq!(Timestamp::parse_rfc3339("2026-11-23T17:12:00+01:00"), Some(at));
    assert_eq!(Timestamp::parse_rfc3339("soon"), None);
    assert_eq!(at.since(at.plus(Span::days(1))), Span::millis(0));
}
