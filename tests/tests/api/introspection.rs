//! Introspection responses (RFC 7662 §2.2), and which tokens are introspected.

use latchkey_auth::introspection::{Expected, Rejection, TokenInfo, is_opaque, validate};
use latchkey_auth::jose::{Members, base64url};
use latchkey_auth::tokens::verify::MAX_BYTES;
use latchkey_domain::{Scope, Timestamp};
use serde_json::{Value, json};

const API: &str = "https://app.example.com/api";
const NOW: i64 = 1_800_000_000;

fn judged(changes: &Value, issuer: Option<&str>) -> Result<TokenInfo, Rejection> {
    let mut answer = json!({
        "active": true, "iss": "https://as.test", "sub": "42", "aud": API,
        "client_id": "printer", "scope": "calendar:read openid", "exp": NOW + 60,
        "token_type": "Bearer", "username": "ada", "extension": { "a": [1] },
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        answer[name] = value.clone();
    }
    let answer = Members::parse(answer.to_string().as_bytes()).expect("an object");
    let expected = Expected { audience: API.to_owned(), issuer: issuer.map(str::to_owned) };
    validate(&answer, &expected, Timestamp::from_seconds(NOW))
}

#[test]
fn introspection_responses_are_classified() {
    use Rejection::{AudienceWrong, Expired, IssuerWrong, NotActive, NotYetValid, Unusable};
    for (change, expected) in [
        (json!({}), Ok(())),
        (json!({ "active": false }), Err(NotActive)),
        (json!({ "active": "true" }), Err(NotActive)),
        (json!({ "active": 1 }), Err(NotActive)),
        (json!({ "active": null }), Err(NotActive)),
        (json!({ "active": [true] }), Err(NotActive)),
        (json!({ "aud": ["x", API] }), Ok(())),
        (json!({ "aud": "https://app.example.com/api/" }), Err(AudienceWrong)),
        (json!({ "aud": "https://app.example.com" }), Err(AudienceWrong)),
        (json!({ "aud": [] }), Err(AudienceWrong)),
        (json!({ "aud": null }), Err(AudienceWrong)),
        (json!({ "aud": [API, 1] }), Err(Unusable("aud"))),
        (json!({ "aud": { API: true } }), Err(Unusable("aud"))),
        (json!({ "aud": true }), Err(Unusable("aud"))),
        (json!({ "exp": NOW }), Err(Expired)),
        (json!({ "exp": NOW + 1 }), Ok(())),
        (json!({ "exp": 0 }), Err(Expired)),
        (json!({ "exp": -1 }), Err(Expired)),
        (json!({ "exp": 1_800_000_000.5 }), Err(Expired)),
        (json!({ "exp": 1_800_000_001.5 }), Ok(())),
        (json!({ "exp": null }), Ok(())),
        (json!({ "exp": "1800000060" }), Err(Unusable("exp"))),
        (json!({ "exp": u64::MAX }), Err(Unusable("exp"))),
        (json!({ "exp": 1e300 }), Err(Unusable("exp"))),
        (json!({ "exp": [] }), Err(Unusable("exp"))),
        (json!({ "nbf": NOW + 5 }), Ok(())),
        (json!({ "nbf": NOW + 6 }), Err(NotYetValid)),
        (json!({ "nbf": "soon" }), Err(Unusable("nbf"))),
        (json!({ "token_type": "bearer" }), Ok(())),
        (json!({ "token_type": null }), Ok(())),
        (json!({ "token_type": "DPoP" }), Err(Unusable("token_type"))),
        (json!({ "token_type": 1 }), Err(Unusable("token_type"))),
        (json!({ "sub": null }), Err(Unusable("sub"))),
        (json!({ "sub": "" }), Err(Unusable("sub"))),
        (json!({ "sub": 42 }), Err(Unusable("sub"))),
        (json!({ "sub": "a\u{0}" }), Err(Unusable("sub"))),
        (json!({ "sub": "x".repeat(255) }), Ok(())),
        (json!({ "sub": "x".repeat(256) }), Err(Unusable("sub"))),
        (json!({ "iss": "https://as.test/" }), Err(IssuerWrong)),
        (json!({ "iss": null }), Ok(())),
        (json!({ "iss": ["https://as.test"] }), Err(Unusable("iss"))),
        (json!({ "scope": ["calendar:read"] }), Err(Unusable("scope"))),
        (json!({ "scope": null }), Ok(())),
        (json!({ "client_id": 7 }), Err(Unusable("client_id"))),
    ] {
        let found = judged(&change, Some("https://as.test")).map(drop);
        assert_eq!(found, expected, "{change}");
    }
    // Without an expected issuer, the response's `iss` counts.
    assert_eq!(judged(&json!({ "iss": "https://other.test" }), None).map(drop), Ok(()));
}

#[test]
fn introspection_keeps_known_scopes_and_cleans_client_id() -> Result<(), Rejection> {
    let good = judged(&json!({}), None)?;
    assert_eq!(good.subject.as_str(), "42");
    assert_eq!(good.scopes, [Scope::CalendarRead].into_iter().collect());
    assert_eq!(good.client_id.as_deref(), Some("printer"));
    assert_eq!(good.expires_at, Some(Timestamp::from_seconds(NOW + 60)));
    for scope in [json!(""), json!(null), json!("Calendar:Read calendar"), json!("admin")] {
        assert!(judged(&json!({ "scope": scope }), None)?.scopes.is_empty(), "{scope}");
    }
    let long = judged(&json!({ "client_id": "a\nb".repeat(200) }), None)?.client_id;
    assert_eq!(long.map(|id| (id.len(), id.contains('\n'))), Some((255, false)));
    Ok(())
}

#[test]
fn opaque_tokens_are_distinguished_from_jwts() {
    let header = base64url::encode(r#"{"alg":"EdDSA","typ":"at+jwt"}"#);
    for (token, opaque) in [
        ("2YotnFZFEjr1zCsicMWpAA", true),
        ("ya29.a0AfH6SMB-x_y~z", true),
        ("EAAG/with+pad==", true),
        ("a.b.c", true),
        ("..", true),
        (&format!("{header}.e30.c2ln"), false),
        (&format!("{header}.e30.c2ln="), false),
        (&format!("{header}.e30.c2ln.more"), false),
        (&format!("{header}.x"), false),
        ("e30.e30.c2ln", false), // {} names no algorithm, and is no opaque token either
        ("W10.e30.c2ln", false), // [] instead of a header, before claims
        ("AAAA.e30.", false),
        ("AAAA.W10.c2ln", true),
        ("AAAA.e30.c2ln.more", true),
        ("a~a.e30.c2ln", true),
        (&header, true),
        ("", false),
        ("==", false),
        ("a=b", false),
        ("a b", false),
        ("a\u{e9}", false),
        ("a\"b", false),
        (&"a".repeat(MAX_BYTES), true),
        (&"a".repeat(MAX_BYTES + 1), false),
    ] {
        assert_eq!(is_opaque(token), opaque, "{token:.40}");
    }
}
