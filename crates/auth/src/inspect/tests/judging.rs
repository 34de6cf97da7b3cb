use latchkey_domain::Span;

use super::*;

fn judged(claims: Value, asked: Asked<'_>, of: &str) -> (Lamp, String) {
    let members: Vec<_> = claims.as_object().expect("an object").clone().into_iter().collect();
    let all = now::judge(&members, asked, Span::seconds(5), NOW);
    let one = all.into_iter().find(|one| one.claim == of).expect("a judgement");
    (one.lamp, one.said)
}

#[test]
fn times_are_judged_in_words() {
    // The half second of the clock does not count for a claim of whole seconds.
    let now = NOW.as_seconds();
    for (claim, value, lamp, said) in [
        ("exp", json!(now + 241), Lamp::On, "Expires in 4 minutes."),
        ("exp", json!(now - 180), Lamp::Off, "Expired 3 minutes ago."),
        (
            "exp",
            json!(now - 4),
            Lamp::On,
            "Expired 4 seconds ago, and still taken: clocks may differ by 5 seconds.",
        ),
        ("exp", json!(now - 5), Lamp::Off, "Expired 5 seconds ago."),
        ("exp", json!(now as f64 - 180.5), Lamp::Off, "Expired 3 minutes 1 second ago."),
        (
            "exp",
            json!("1795450320"),
            Lamp::Off,
            "Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).",
        ),
        (
            "exp",
            json!(null),
            Lamp::Off,
            "Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).",
        ),
        (
            "exp",
            json!(now * 1000),
            Lamp::Off,
            "So large that it must be milliseconds. Times are seconds (RFC 7519 §2).",
        ),
        ("exp", json!(1e300), Lamp::Off, "No time that a calendar has."),
        ("exp", json!(-1e300), Lamp::Off, "No time that a calendar has."),
        ("exp", json!(u64::MAX), Lamp::Off, "No time that a calendar has."),
        ("exp", json!(i64::MIN), Lamp::Off, "No time that a calendar has."),
        ("exp", json!(0), Lamp::Off, "Expired 20780 days 16 hours ago."),
        ("nbf", json!(now - 60), Lamp::On, "Valid since 1 minute ago."),
        ("nbf", json!(now + 5), Lamp::On, "Begins in 4 seconds: clocks may differ by 5 seconds."),
        ("nbf", json!(now + 6), Lamp::Off, "Not valid yet: in 5 seconds."),
        ("iat", json!(now), Lamp::On, "Issued less than a second ago."),
        (
            "iat",
            json!(now + 7200),
            Lamp::Off,
            "Issued in the future, 1 hour 59 minutes from now: a clock is wrong.",
        ),
        (
            "iat",
            json!([]),
            Lamp::Off,
            "Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).",
        ),
    ] {
        let found = judged(json!({ claim: value.clone() }), Asked::default(), claim);
        assert_eq!(found, (lamp, said.to_owned()), "{claim} {value}");
    }
    assert_eq!(judged(json!({}), Asked::default(), "exp").0, Lamp::Off);
    assert_eq!(judged(json!({}), Asked::default(), "nbf").0, Lamp::NotAsked);
    assert_eq!(judged(json!({}), Asked::default(), "iat").0, Lamp::NotAsked);
}

#[test]
fn issuer_and_audience_are_compared_to_the_letter() {
    let asked = Asked { issuer: Some("https://app.test"), audience: Some("https://app.test/api") };
    for (claims, of, lamp) in [
        (json!({"iss": "https://app.test"}), "iss", Lamp::On),
        (json!({"iss": "https://app.test/"}), "iss", Lamp::Off),
        (json!({"iss": "https://APP.test"}), "iss", Lamp::Off),
        (json!({"iss": "https://other.test"}), "iss", Lamp::Off),
        (json!({"iss": ["https://app.test"]}), "iss", Lamp::Off),
        (json!({}), "iss", Lamp::Off),
        (json!({"aud": "https://app.test/api"}), "aud", Lamp::On),
        (json!({"aud": ["https://app.test/api"]}), "aud", Lamp::On),
        (json!({"aud": ["x", "https://app.test/api"]}), "aud", Lamp::On),
        (json!({"aud": ["x"]}), "aud", Lamp::Off),
        (json!({"aud": []}), "aud", Lamp::Off),
        (json!({"aud": [1]}), "aud", Lamp::Off),
        (json!({"aud": {}}), "aud", Lamp::Off),
        (json!({}), "aud", Lamp::Off),
    ] {
        assert_eq!(judged(claims.clone(), asked, of).0, lamp, "{claims}");
        let unasked = judged(claims.clone(), Asked::default(), of).0;
        assert_ne!(unasked, Lamp::On, "{claims}: nobody asked");
    }
    let near = judged(json!({"iss": "https://app.test/"}), asked, "iss").1;
    assert!(near.starts_with("Almost"), "{near}");
}

#[test]
fn one_no_is_a_no() {
    let of = |lamps: &[Lamp]| {
        let all: Vec<_> = lamps
            .iter()
            .map(|lamp| Judgement { claim: "exp", lamp: *lamp, said: String::new() })
            .collect();
        now::lamp(&all)
    };
    assert_eq!(of(&[Lamp::On, Lamp::NotAsked, Lamp::Off]), Lamp::Off);
    assert_eq!(of(&[Lamp::NotAsked, Lamp::On]), Lamp::On);
    assert_eq!(of(&[Lamp::NotAsked]), Lamp::NotAsked);
    assert_eq!(of(&[]), Lamp::NotAsked);
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
        assert_eq!(now::in_words(&value, NOW).as_deref(), said, "{value}");
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
