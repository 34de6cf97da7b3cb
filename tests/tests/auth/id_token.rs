//! The ID token, rule by rule (OpenID Connect Core §3.1.3.7).

use latchkey_auth::jose::base64url;
use latchkey_auth::oauth::id_token::{Claims, Expected, IdTokenError, parse};
use latchkey_domain::Timestamp;
use serde_json::{Value, json};

const EXPECTED: Expected<'_> = Expected {
    issuer: "https://op.test",
    client_id: "us",
    audiences: &[],
    nonce: "n-1",
    access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
    authenticated_since: None,
};

fn good() -> Value {
    json!({
        "iss": "https://op.test", "aud": "us", "sub": "248289761001", "nonce": "n-1",
        "iat": 1_000, "exp": 2_000, "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
    })
}

fn token(header: &str, claims: &str) -> String {
    format!("{}.{}.c2ln", base64url::encode(header), base64url::encode(claims))
}

/// As if its signature were valid.
fn check(claims: &Value, expected: &Expected<'_>) -> Result<Claims, IdTokenError> {
    let token = token(r#"{"alg":"RS256"}"#, &claims.to_string());
    parse(&token)?.check(expected, Timestamp::from_seconds(1_500))
}

#[test]
fn invalid_id_token_claims_have_distinct_errors() {
    for (member, value, outcome) in [
        ("iss", json!("https://op.test"), Ok(())),
        ("iss", json!("https://op.test/"), Err(IdTokenError::Issuer)),
        ("iss", json!("https://OP.test"), Err(IdTokenError::Issuer)),
        ("iss", Value::Null, Err(IdTokenError::Issuer)),
        ("aud", json!(["us"]), Ok(())),
        ("aud", json!("them"), Err(IdTokenError::Audience)),
        ("aud", json!(["us", "us"]), Ok(())),
        ("aud", json!(["us", "them"]), Err(IdTokenError::OtherAudiences)),
        ("aud", json!(["us", 1]), Err(IdTokenError::OtherAudiences)),
        ("aud", json!(["them"]), Err(IdTokenError::Audience)),
        ("aud", json!([]), Err(IdTokenError::Audience)),
        ("aud", json!(1), Err(IdTokenError::Audience)),
        ("azp", json!("us"), Ok(())),
        ("azp", json!("them"), Err(IdTokenError::AuthorizedParty)),
        ("exp", json!(1_441), Ok(())),
        ("exp", json!(1_440), Err(IdTokenError::Expired)),
        ("exp", json!("2000"), Err(IdTokenError::Expired)),
        ("exp", Value::Null, Err(IdTokenError::Expired)),
        ("iat", json!(1_560), Ok(())),
        ("iat", json!(1_561), Err(IdTokenError::NotYetValid)),
        ("iat", Value::Null, Err(IdTokenError::NotYetValid)),
        ("nbf", json!(1_560), Ok(())),
        ("nbf", json!(1_561), Err(IdTokenError::NotYetValid)),
        ("nbf", json!("0"), Err(IdTokenError::NotYetValid)),
        ("nonce", json!("n-2"), Err(IdTokenError::Nonce)),
        ("nonce", Value::Null, Err(IdTokenError::Nonce)),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RR"), Err(IdTokenError::AccessTokenHash)),
        ("at_hash", json!(1), Err(IdTokenError::AccessTokenHash)),
        ("sub", json!(""), Err(IdTokenError::Subject)),
        ("sub", json!(248_289_761_001_u64), Err(IdTokenError::NumericSubject)),
        ("sub", json!(1.5), Err(IdTokenError::NumericSubject)),
        ("sub", json!(["1"]), Err(IdTokenError::Subject)),
        ("auth_time", json!("soon"), Ok(())),
        ("sub", json!("x".repeat(256)), Err(IdTokenError::Subject)),
    ] {
        let mut claims = good();
        claims[member] = value.clone();
        assert_eq!(check(&claims, &EXPECTED).map(|_| ()), outcome, "{member}: {value}");
    }
}

/// Core §3.1.3.7, rules 3 to 5.
#[test]
fn additional_audiences_must_be_trusted_with_matching_azp() {
    let others = ["project".to_owned(), "api".to_owned()];
    let expected = Expected { audiences: &others, ..EXPECTED };
    for (aud, azp, outcome) in [
        (json!(["us", "project"]), json!("us"), Ok(())),
        (json!(["project", "us", "api"]), json!("us"), Ok(())),
        (json!(["us"]), Value::Null, Ok(())),
        (json!(["us", "project"]), Value::Null, Err(IdTokenError::OtherAudiences)),
        (json!(["us", "project"]), json!("project"), Err(IdTokenError::AuthorizedParty)),
        (json!(["us", "project"]), json!(["us"]), Err(IdTokenError::AuthorizedParty)),
        (json!(["us", "stranger"]), json!("us"), Err(IdTokenError::OtherAudiences)),
        (json!(["us", "project", "stranger"]), json!("us"), Err(IdTokenError::OtherAudiences)),
        (json!(["project", "api"]), json!("us"), Err(IdTokenError::Audience)),
        (json!("project"), json!("us"), Err(IdTokenError::Audience)),
    ] {
        let mut claims = good();
        claims["aud"] = aud.clone();
        if !azp.is_null() {
            claims["azp"] = azp.clone();
        }
        assert_eq!(check(&claims, &expected).map(|_| ()), outcome, "{aud} {azp}");
    }
}

/// Rule 13: the user was authenticated since then, within a minute of tolerance.
#[test]
fn requested_auth_time_must_be_present_and_recent() {
    let at = Timestamp::from_seconds;
    for (auth_time, believed, fresh) in [
        (json!(1_500), Some(at(1_500)), true),
        (json!(1_340), Some(at(1_340)), true),
        (json!(1_339), Some(at(1_339)), false),
        (json!(1_560), Some(at(1_500)), true),
        (json!(1_561), None, false),
        (json!(0), Some(at(0)), false),
        (json!(-1), Some(at(-1)), false),
        (json!("1500"), None, false),
        (json!(1e300), None, false),
        (Value::Null, None, false),
    ] {
        let mut claims = good();
        claims["auth_time"] = auth_time.clone();
        let judged = |since| check(&claims, &Expected { authenticated_since: since, ..EXPECTED });
        let said = judged(None).ok().and_then(|claims| claims.auth_time);
        assert_eq!(said, believed, "{auth_time}");
        assert_eq!(judged(Some(at(1_400))).is_ok(), fresh, "{auth_time}");
    }
}

#[test]
fn id_token_without_at_hash_is_accepted() {
    let mut claims = good();
    claims.as_object_mut().expect("claims").remove("at_hash");
    assert!(check(&claims, &EXPECTED).is_ok());
}

#[test]
fn invalid_id_token_headers_are_rejected() {
    for (header, outcome) in [
        (json!({"alg": "RS256", "kid": "1"}), Ok(())),
        (json!({"alg": "EdDSA", "typ": "JWT"}), Ok(())),
        (json!({"alg": "none"}), Err(IdTokenError::Algorithm)),
        (json!({"alg": "None"}), Err(IdTokenError::Algorithm)),
        (json!({"alg": "HS256"}), Err(IdTokenError::Algorithm)),
        (json!({"alg": "RS257"}), Err(IdTokenError::Algorithm)),
        (json!({"alg": 1}), Err(IdTokenError::Algorithm)),
        (json!({}), Err(IdTokenError::Algorithm)),
        (json!({"alg": "RS256", "typ": "at+jwt"}), Err(IdTokenError::Type)),
        (json!({"alg": "RS256", "typ": "logout+jwt"}), Err(IdTokenError::Type)),
        (json!({"alg": "RS256", "crit": ["b64"], "b64": false}), Err(IdTokenError::Critical)),
        (json!({"alg": "RS256", "crit": []}), Err(IdTokenError::Critical)),
    ] {
        // Whatever the claims are.
        for claims in [good(), json!({})] {
            let token = token(&header.to_string(), &claims.to_string());
            assert_eq!(parse(&token).map(|_| ()), outcome, "{header}");
        }
    }
    for junk in ["", ".", "..", "a.b", "a.b.c", "null", "e30.e30", "e30.bnVsbA.e30", "e30=.e30.e30"]
    {
        assert!(parse(junk).is_err(), "{junk}");
    }
}

/// One parser would use the first one, another the last.
#[test]
fn duplicate_header_or_claim_names_are_rejected() {
    let (header, claims) = (r#"{"alg":"RS256"}"#, good().to_string());
    let twice = |json: &str, first: &str| json.replacen('{', first, 1);
    let duplicate = || Err(IdTokenError::Duplicate);
    for (header, claims, outcome) in [
        (header.to_owned(), claims.clone(), Ok(())),
        (twice(header, r#"{"alg":"none","#), claims.clone(), duplicate()),
        (twice(header, r#"{"kid":"1","k\u0069d":"2","#), claims.clone(), duplicate()),
        (header.to_owned(), twice(&claims, r#"{"sub":"another","#), duplicate()),
        (header.to_owned(), twice(&claims, r#"{"x":1,"\u0078":1,"#), duplicate()),
        (header.to_owned(), twice(&claims, r#"{"x":{"y":1,"y":2},"#), Ok(())),
    ] {
        assert_eq!(parse(&token(&header, &claims)).map(|_| ()), outcome, "{header} {claims}");
    }
}
