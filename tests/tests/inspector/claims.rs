//! Results for claims and dangerous header parameters.

use latchkey_tests::{Latchkey, Setup};
use serde_json::{Value, json};

use super::read::{decoded, inspect, lamp, lamps, members, said, unsigned};

const NO_NUMBER: &str = "Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).";
const MILLIS: &str = "This looks like milliseconds. Times are in seconds (RFC 7519 §2).";
const NO_TIME: &str = "This number is out of range for a date.";
const LATE: &str = "Expired 4 seconds ago, but still accepted: clocks may differ by 5 seconds.";
const AHEAD: &str = "Issued 1 hour 59 minutes in the future: a clock is wrong.";

/// The result for a claim and its explanation.
async fn judged(app: &Latchkey, claims: &Value, fields: &[(&str, &str)], of: &str) -> String {
    let token = unsigned(r#"{"alg":"EdDSA"}"#, &claims.to_string(), 64);
    let fields = [&[("token", token.as_str()), ("by", "nothing")], fields].concat();
    let page = inspect(app, &fields).await.expect(200);
    let found = members(&page, "claims").into_iter().find(|one| one.name == of);
    let html = found.expect("the claim").html;
    let (_, told) = html.rsplit_once("</span> ").expect("a sentence");
    format!("{}: {}", lamp(&html), told.split("</p>").next().expect("its end"))
}

#[tokio::test]
async fn time_claims_are_explained() {
    let app = Setup::new().with_frozen_clock().start().await;
    // Claims are whole seconds: fractions of the clock do not count.
    let now = app.clock.now().as_seconds();
    for (claim, value, is_fine, told) in [
        ("exp", json!(now + 241), "yes", "Expires in 4 minutes."),
        ("exp", json!(now - 180), "no", "Expired 3 minutes ago."),
        ("exp", json!(now - 4), "yes", LATE),
        ("exp", json!(now - 5), "no", "Expired 5 seconds ago."),
        ("exp", json!(now as f64 - 180.5), "no", "Expired 3 minutes 1 second ago."),
        ("exp", json!("1795450320"), "no", NO_NUMBER),
        ("exp", json!(null), "no", NO_NUMBER),
        ("exp", json!(now * 1000), "no", MILLIS),
        ("exp", json!(1e300), "no", NO_TIME),
        ("exp", json!(-1e300), "no", NO_TIME),
        ("exp", json!(u64::MAX), "no", NO_TIME),
        ("exp", json!(i64::MIN), "no", NO_TIME),
        ("exp", json!(0), "no", "Expired "),
        ("nbf", json!(now - 60), "yes", "Became valid 1 minute ago."),
        (
            "nbf",
            json!(now + 5),
            "yes",
            "Valid in 4 seconds, but accepted: clocks may differ by 5 seconds.",
        ),
        ("nbf", json!(now + 6), "no", "Not valid yet. Valid in 5 seconds."),
        ("iat", json!(now), "yes", "Issued less than a second ago."),
        ("iat", json!(now + 7200), "no", AHEAD),
        ("iat", json!([]), "no", NO_NUMBER),
    ] {
        let found = judged(&app, &json!({ claim: value.clone() }), &[], claim).await;
        assert!(found.starts_with(&format!("{is_fine}: {told}")), "{claim} {value}: {found}");
    }
    // One failure is a failure; missing claims are not, except `exp`.
    for (claims, lamp, told) in [
        (json!({}), "no", "exp: It never expires."),
        (json!({ "exp": now + 60 }), "yes", "exp: Expires in"),
        (json!({ "exp": now + 60, "nbf": now + 60 }), "no", "nbf: Not valid yet"),
    ] {
        let page = decoded(&app, &unsigned(r#"{"alg":"EdDSA"}"#, &claims.to_string(), 64)).await;
        assert_eq!(lamps(&page)[2], lamp, "{claims}");
        assert!(said(&page, 2)[0].starts_with(told), "{claims}: {:?}", said(&page, 2));
    }
    for (name, value, when) in [
        ("auth_time", json!(now + 241), Some("UTC, in 4 minutes</small>")),
        ("auth_time", json!(now - 60), Some("UTC, 1 minute ago</small>")),
        ("auth_time", json!(1e300), None),
        ("auth_time", json!("soon"), None),
        ("created_at", json!((now - 60) * 1000), Some("UTC, 1 minute ago</small>")),
        ("created_at", json!(now), None),
    ] {
        let token = unsigned(r#"{"alg":"EdDSA"}"#, &json!({ name: value }).to_string(), 64);
        let html = &members(&decoded(&app, &token).await, "claims")[0].html;
        assert!(html.contains(when.unwrap_or_default()), "{value}: {html}");
        assert_eq!(html.contains("UTC"), when.is_some(), "{value}: {html}");
    }
}

/// Each kind of token has required claims, and none of another kind.
#[tokio::test]
async fn required_claims_depend_on_token_type() {
    let app = Setup::new().with_frozen_clock().start().await;
    let now = app.clock.now().as_seconds();
    let access = json!({
        "iss": "i", "aud": "a", "sub": "s", "exp": now + 60, "iat": now, "jti": "1",
        "client_id": "c",
    });
    let proof = json!({ "jti": "1", "htm": "GET", "htu": "https://a.test/", "iat": now });
    let logout = json!({
        "iss": "i", "aud": "a", "sub": "s", "exp": now + 60, "iat": now, "jti": "1", "events": {},
    });
    for (typ, whole, required) in [
        ("at+jwt", &access, &["iss", "aud", "sub", "exp", "iat", "jti", "client_id"][..]),
        ("application/at+jwt", &access, &["client_id", "jti"]),
        ("dpop+jwt", &proof, &["jti", "htm", "htu", "iat"]),
        ("logout+jwt", &logout, &["iss", "aud", "exp", "iat", "jti", "events"]),
    ] {
        let header = json!({ "alg": "ES256", "typ": typ, "jwk": {} }).to_string();
        let told = |claims: Value| {
            let token = unsigned(&header, &claims.to_string(), 64);
            let app = &app;
            async move {
                let page = decoded(app, &token).await;
                (lamps(&page)[2], said(&page, 2))
            }
        };
        let (lamp, words) = told(whole.clone()).await;
        assert_eq!(lamp, "yes", "{typ}: {words:?}");
        for missing in required {
            let mut claims = whole.clone();
            claims.as_object_mut().expect("an object").remove(*missing);
            let (lamp, words) = told(claims).await;
            let said = words.iter().any(|it| it.starts_with(&format!("{missing}: Missing: ")));
            assert!(lamp == "no" && said, "{typ} without {missing}: {words:?}");
        }
        // A key in the header is normal for a DPoP proof; in other tokens it proves nothing.
        let page = decoded(&app, &unsigned(&header, "{}", 64)).await;
        let jwk = members(&page, "header").into_iter().find(|one| one.name == "jwk");
        let jwk = jwk.expect("a key");
        assert_eq!(jwk.html.contains("tag--warn\">Danger"), typ != "dpop+jwt", "{typ}");
    }
}

#[tokio::test]
async fn issuer_and_audience_must_match_exactly() {
    let app = Latchkey::start().await;
    let asked = [("issuer", "https://app.test"), ("audience", "https://app.test/api")];
    for (claims, of, is_fine) in [
        (json!({"iss": "https://app.test"}), "iss", "yes"),
        (json!({"iss": "https://app.test/"}), "iss", "no: Almost"),
        (json!({"iss": "https://APP.test"}), "iss", "no: Almost"),
        (json!({"iss": "https://other.test"}), "iss", "no"),
        (json!({"iss": ["https://app.test"]}), "iss", "no"),
        (json!({"aud": "https://app.test/api"}), "aud", "yes"),
        (json!({"aud": ["https://app.test/api"]}), "aud", "yes"),
        (json!({"aud": ["x", "https://app.test/api"]}), "aud", "yes"),
        (json!({"aud": ["x"]}), "aud", "no"),
        (json!({"aud": []}), "aud", "no"),
        (json!({"aud": [1]}), "aud", "no"),
        (json!({"aud": {}}), "aud", "no"),
    ] {
        let found = judged(&app, &claims, &asked, of).await;
        assert!(found.starts_with(is_fine), "{claims}: {found}");
        let unasked = judged(&app, &claims, &[], of).await;
        assert!(!unasked.starts_with("yes"), "{claims}: nobody asked");
    }
    let token = unsigned(r#"{"alg":"EdDSA"}"#, r#"{"exp":9999999999}"#, 64);
    let fields = [&[("token", token.as_str()), ("by", "nothing")], &asked[..]].concat();
    let told = said(&inspect(&app, &fields).await.expect(200), 2);
    assert!(told[0].starts_with("iss: It names no"), "{told:?}");
    assert!(told[1].starts_with("aud: It names no"), "{told:?}");
}

#[tokio::test]
async fn dangerous_header_parameters_are_flagged() {
    let app = Latchkey::start().await;
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
        let page = decoded(&app, &unsigned(&json!({ name: value }).to_string(), "{}", 64)).await;
        let html = &members(&page, "header")[0].html;
        assert_eq!(html.contains("tag--warn\">Danger"), is_dangerous, "{name} {value}: {html}");
        assert!(!html.contains("Not a registered name"), "{name}");
    }
}

#[test]
fn inspector_template_lists_each_member_once() {
    let template = include_str!("../../../templates/inspector-members.html");
    // RFC 7515 §4.1 and what `danger` warns of; RFC 7519 §4.1 and the rest of our own JWTs.
    let header = "alg jku jwk kid x5u x5c x5t x5t#S256 typ cty crit b64 zip";
    let claims = "iss sub aud exp nbf iat jti client_id sid scope auth_time amr roles email \
                  email_verified name created_at";
    let tables: Vec<_> = template.split("{% macro ").skip(1).collect();
    assert_eq!(tables.len(), 2);
    for (table, (name, required)) in tables.iter().zip([("header", header), ("claim", claims)]) {
        assert!(table.starts_with(&format!("{name}(name)")), "{table}");
        let known: Vec<_> = table.split("{% when \"").skip(1).collect();
        for name in required.split_whitespace() {
            assert!(known.iter().any(|it| it.starts_with(&format!("{name}\""))), "{name}");
        }
        for one in &known {
            let (name, rest) = one.split_once("\" %}").expect("a name");
            let same = known.iter().filter(|it| it.starts_with(&format!("{name}\""))).count();
            assert_eq!(same, 1, "{name}");
            assert!(rest.contains(".<small>"), "{rest}");
        }
    }
}
