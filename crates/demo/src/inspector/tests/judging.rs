use latchkey_domain::Span;

use super::CheckResult::{Fail, Pass, Skipped};
use super::*;

const NO_NUMBER: &str = "Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).";
const MILLIS: &str = "So large that it must be milliseconds. Times are seconds (RFC 7519 §2).";
const NO_TIME: &str = "No time that a calendar has.";
const LATE: &str = "Expired 4 seconds ago, and still taken: clocks may differ by 5 seconds.";
const AHEAD: &str = "Issued in the future, 1 hour 59 minutes from now: a clock is wrong.";

fn judged(claims: Value, asked: Expected<'_>, of: &str) -> (CheckResult, String) {
    let members: Vec<_> = claims.as_object().expect("an object").clone().into_iter().collect();
    let all = claims::check(&members, asked, Span::seconds(5), NOW);
    let one = all.into_iter().find(|one| one.claim == of).expect("a judgement");
    (one.result, one.said)
}

#[test]
fn times_are_judged_in_words() {
    // The half second of the clock does not count for a claim of whole seconds.
    let now = NOW.as_seconds();
    for (claim, value, lamp, said) in [
        ("exp", json!(now + 241), Pass, "Expires in 4 minutes."),
        ("exp", json!(now - 180), Fail, "Expired 3 minutes ago."),
        ("exp", json!(now - 4), Pass, LATE),
        ("exp", json!(now - 5), Fail, "Expired 5 seconds ago."),
        ("exp", json!(now as f64 - 180.5), Fail, "Expired 3 minutes 1 second ago."),
        ("exp", json!("1795450320"), Fail, NO_NUMBER),
        ("exp", json!(null), Fail, NO_NUMBER),
        ("exp", json!(now * 1000), Fail, MILLIS),
        ("exp", json!(1e300), Fail, NO_TIME),
        ("exp", json!(-1e300), Fail, NO_TIME),
        ("exp", json!(u64::MAX), Fail, NO_TIME),
        ("exp", json!(i64::MIN), Fail, NO_TIME),
        ("exp", json!(0), Fail, "Expired 20780 days 16 hours ago."),
        ("nbf", json!(now - 60), Pass, "Valid since 1 minute ago."),
        ("nbf", json!(now + 5), Pass, "Begins in 4 seconds: clocks may differ by 5 seconds."),
        ("nbf", json!(now + 6), Fail, "Not valid yet: in 5 seconds."),
        ("iat", json!(now), Pass, "Issued less than a second ago."),
        ("iat", json!(now + 7200), Fail, AHEAD),
        ("iat", json!([]), Fail, NO_NUMBER),
    ] {
        let found = judged(json!({ claim: value.clone() }), Expected::default(), claim);
        assert_eq!(found, (lamp, said.to_owned()), "{claim} {value}");
    }
    assert_eq!(judged(json!({}), Expected::default(), "exp").0, Fail);
    assert_eq!(judged(json!({}), Expected::default(), "nbf").0, Skipped);
    assert_eq!(judged(json!({}), Expected::default(), "iat").0, Skipped);
}

#[test]
fn issuer_and_audience_are_compared_to_the_letter() {
    let asked =
        Expected { issuer: Some("https://app.test"), audience: Some("https://app.test/api") };
    for (claims, of, lamp) in [
        (json!({"iss": "https://app.test"}), "iss", Pass),
        (json!({"iss": "https://app.test/"}), "iss", Fail),
        (json!({"iss": "https://APP.test"}), "iss", Fail),
        (json!({"iss": "https://other.test"}), "iss", Fail),
        (json!({"iss": ["https://app.test"]}), "iss", Fail),
        (json!({}), "iss", Fail),
        (json!({"aud": "https://app.test/api"}), "aud", Pass),
        (json!({"aud": ["https://app.test/api"]}), "aud", Pass),
        (json!({"aud": ["x", "https://app.test/api"]}), "aud", Pass),
        (json!({"aud": ["x"]}), "aud", Fail),
        (json!({"aud": []}), "aud", Fail),
        (json!({"aud": [1]}), "aud", Fail),
        (json!({"aud": {}}), "aud", Fail),
        (json!({}), "aud", Fail),
    ] {
        assert_eq!(judged(claims.clone(), asked, of).0, lamp, "{claims}");
        let unasked = judged(claims.clone(), Expected::default(), of).0;
        assert_ne!(unasked, Pass, "{claims}: nobody asked");
    }
    let near = judged(json!({"iss": "https://app.test/"}), asked, "iss").1;
    assert!(near.starts_with("Almost"), "{near}");
}

#[test]
fn one_no_is_a_no() {
    let of = |lamps: &[CheckResult]| {
        let all: Vec<_> = lamps
            .iter()
            .map(|result| ClaimCheck { claim: "exp", result: *result, said: String::new() })
            .collect();
        claims::overall(&all)
    };
    assert_eq!(of(&[Pass, Skipped, Fail]), Fail);
    assert_eq!(of(&[Skipped, Pass]), Pass);
    assert_eq!(of(&[Skipped]), Skipped);
    assert_eq!(of(&[]), Skipped);
}

#[test]
fn times_stand_beside_their_numbers() {
    let now = NOW.as_seconds();
    for (value, said) in [
        (json!(now + 241), Some("23 Nov 2026, 16:16 UTC, in 4 minutes")),
        (json!(now - 60), Some("23 Nov 2026, 16:11 UTC, 1 minute ago")),
        (json!(1e300), None),
        (json!("soon"), None),
    ] {
        assert_eq!(claims::in_words(&value, NOW).as_deref(), said, "{value}");
    }
}

#[test]
fn every_member_is_explained_once_and_dangers_are_named() {
    for table in [explain::HEADER, explain::CLAIMS] {
        for known in table {
            assert_eq!(table.iter().filter(|other| other.name == known.name).count(), 1);
            assert!(known.meaning.ends_with('.'), "{}", known.meaning);
        }
    }
    for (name, value, is_dangerous) in [
        ("alg", json!("EdDSA"), false),
        ("alg", json!("nOnE"), true),
        ("alg", json!("HS256"), true),
        ("kid", json!("9bX_x-1"), false),
        ("kid", json!("../../dev/null"), true),
        ("kid", json!("x' UNION SELECT 'a"), true),
        ("kid", json!(["x"]), false),
        ("jku", json!("https://evil.test"), true),
        ("x5u", json!("https://evil.test"), true),
        ("jwk", json!({}), true),
        ("x5c", json!([]), true),
        ("crit", json!(["b64"]), true),
        ("typ", json!("JWT"), false),
    ] {
        assert_eq!(explain::danger(name, &value).is_some(), is_dangerous, "{name} {value}");
    }
}
