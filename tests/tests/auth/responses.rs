//! The authorization response and the token response (RFC 6749 §4.1.2, §5.1).

use latchkey_auth::oauth::Error;
use latchkey_auth::oauth::response::{AuthorizationResponse, Issuer, validate};
use latchkey_auth::oauth::token::Tokens;
use latchkey_domain::Span;
use serde_json::{Value, json};

#[test]
fn responses_are_judged() {
    let promised = Some(Issuer { expected: "https://op.test", promised: true });
    let silent = Some(Issuer { expected: "https://op.test", promised: false });
    for (query, issuer, outcome) in [
        ("code=a&state=s&iss=https%3A%2F%2Fop.test", promised, "a"),
        ("code=a%2Bb%2F%3D%26+%7E&state=s", silent, "a+b/=& ~"),
        ("code=a&state=s&iss=https://op.test", silent, "a"),
        ("code=a&state=s&iss=https://evil.test", None, "a"),
        ("code=a&unknown=1&unknown=2", None, "a"),
        ("code=a&state=s&iss=https://evil.test", silent, "!another issuer answered than was asked"),
        (
            "code=a&state=s&iss=https://op.test/",
            promised,
            "!another issuer answered than was asked",
        ),
        ("code=a&state=s", promised, "!the issuer that was promised is missing"),
        ("error=access_denied&state=s", promised, "!the issuer that was promised is missing"),
        ("code=a&code=b", None, "!a parameter came twice"),
        ("code=a&state=s&state=s", None, "!a parameter came twice"),
        ("code=a&error=access_denied", None, "!a code and an error came together"),
        ("code=", None, "!there is no code in it"),
        ("", None, "!there is no code in it"),
    ] {
        let judged = validate(AuthorizationResponse::parse(query), issuer).unwrap_or_else(
            |error| match error {
                Error::Response(why) => format!("!{why}"),
                other => format!("!!{other}"),
            },
        );
        assert_eq!(judged, outcome, "{query}");
    }
}

#[test]
fn a_form_becomes_the_query_that_it_stands_for_and_nothing_more() {
    for (form, query) in [
        ("state=s&code=a%2Bb+c", "state=s&code=a%2Bb+c"),
        ("code=a&user=%7B%22name%22%3A1%7D&id_token=x&access_token=y", "code=a"),
        ("error=access_denied&error_description=x", "error=access_denied"),
        ("code=a&code=b", "code=a&code=b"),
        ("code=a%0D%0ASet-Cookie%3A", "code=a%0D%0ASet-Cookie%3A"),
        ("", ""),
        ("{\"code\":1}", ""),
    ] {
        assert_eq!(AuthorizationResponse::to_query(form.as_bytes()), query, "{form}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let judged = |query: &str| validate(AuthorizationResponse::parse(query), None);
    assert!(matches!(judged("error=access_denied"), Err(Error::Declined)));
    assert!(
        matches!(judged("error=server_error"), Err(Error::Refused { code }) if code == "server_error")
    );
    assert!(matches!(
        judged("error=%3Cscript%3E"),
        Err(Error::Refused { code }) if !code.contains('<')
    ));
}

fn tokens(json: Value) -> Result<Tokens, serde_json::Error> {
    serde_json::from_value(json)
}

#[test]
fn a_lifetime_that_makes_no_sense_is_none() -> Result<(), serde_json::Error> {
    for (expires_in, seconds) in [
        (json!(3600), Some(3600)),
        (json!("3600"), Some(3600)),
        (json!(0), Some(0)),
        (json!(-1), None),
        (json!(1e20), None),
        (json!(u64::MAX), None),
        (json!(1.5), None),
        (json!(null), None),
        (json!("soon"), None),
        (json!([1]), None),
    ] {
        let tokens = tokens(json!({
            "access_token": "a", "token_type": "Bearer", "expires_in": expires_in
        }))?;
        assert_eq!(tokens.lifetime().map(Span::as_seconds), seconds, "{expires_in}");
    }
    Ok(())
}

#[test]
fn token_types_and_scopes() -> Result<(), serde_json::Error> {
    for (token_type, taken) in
        [("Bearer", true), ("bearer", true), ("BEARER", true), ("mac", false)]
    {
        let parsed = tokens(json!({"access_token": "a", "token_type": token_type}));
        assert_eq!(parsed.is_ok(), taken, "{token_type}");
    }
    assert!(tokens(json!({"access_token": "a"})).is_err());
    assert!(tokens(json!({"token_type": "bearer"})).is_err());
    let tokens = tokens(json!({
        "access_token": "a", "token_type": "bearer", "scope": "read:user,user:email x"
    }))?;
    assert_eq!(tokens.granted().map(|granted| granted.iter().count()), Some(3));
    assert_eq!(tokens.id_token(), None);
    Ok(())
}
