//! Issuer metadata (OpenID Connect Discovery §4).

use http::Response;
use latchkey_auth::oauth::Error;
use latchkey_auth::oauth::discovery::{Metadata, read};
use serde_json::{Value, json};

fn document(issuer: &str, authorize: &str, token: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": authorize,
        "token_endpoint": token,
        "jwks_uri": "https://op.test/keys",
    })
}

fn judge(issuer: &str, document: &Value) -> Result<Metadata, Error> {
    read(issuer, &Response::new(document.to_string().into_bytes()))
}

#[test]
fn wrong_issuer_or_unsafe_metadata_urls_are_rejected() {
    let good = ("https://op.test/authorize", "https://op.test/token");
    let near = ("http://127.0.0.1:9/a", "http://[::1]:9/t");
    for (issuer, says, (authorize, token), taken) in [
        ("https://op.test", "https://op.test", good, true),
        ("https://op.test", "https://op.test/", good, false),
        ("https://op.test", "https://OP.test", good, false),
        ("https://op.test", "https://evil.test", good, false),
        ("https://op.test", "https://op.test", ("javascript:alert(1)", good.1), false),
        ("https://op.test", "https://op.test", ("data:text/html,x", good.1), false),
        ("https://op.test", "https://op.test", (good.0, "http://op.test/token"), false),
        // Only issuers on loopback may name loopback URLs.
        ("https://op.test", "https://op.test", (near.0, good.1), false),
        ("https://op.test", "https://op.test", (good.0, near.1), false),
        ("https://op.test", "https://op.test", (good.0, "https://localhost/t"), false),
        ("https://op.test", "https://op.test", (good.0, "https://x.localhost./t"), false),
        ("https://op.test", "https://op.test", (good.0, "https://[::ffff:127.0.0.1]/t"), false),
        ("https://op.test", "https://op.test", (good.0, "https://0.0.0.0:5432/t"), false),
        ("http://127.0.0.1:1", "http://127.0.0.1:1", near, true),
        ("https://localhost", "https://localhost", near, true),
    ] {
        let judged = judge(issuer, &document(says, authorize, token));
        assert_eq!(judged.is_ok(), taken, "{issuer} {says} {authorize} {token}");
    }
}

#[test]
fn discovery_errors_suggest_the_correct_issuer() {
    const ELSEWHERE: &str = "https://id.op.test/v2/.well-known/openid-configuration";
    for (location, advice) in [
        (Some(ELSEWHERE), "set its …_ISSUER to https://id.op.test/v2"),
        (Some("/v2/.well-known/openid-configuration?x=y"), "to https://op.test/v2"),
        (Some("https://op.test/login"), "to the issuer itself"),
        (Some("javascript:/.well-known/openid-configuration"), "to the issuer itself"),
        (Some("http://evil.test/.well-known/openid-configuration"), "to the issuer itself"),
        (None, "to the issuer itself"),
    ] {
        let mut answer = Response::builder().status(302);
        if let Some(location) = location {
            answer = answer.header("location", location);
        }
        let error = read("https://op.test", &answer.body(Vec::new()).expect("an answer"));
        let error = error.err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.ends_with(advice)), "{location:?}");
    }
    let entra = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let common = "https://login.microsoftonline.com/common/v2.0";
    let document = document(entra, "https://op.test/a", "https://op.test/t");
    let error = judge(common, &document).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("your tenant's ID")));
}

#[test]
fn client_secret_placement_follows_issuer_metadata() -> Result<(), Error> {
    let document = document("https://op.test", "https://op.test/a", "https://op.test/t");
    let mut metadata = judge("https://op.test", &document)?;
    for (methods, in_body) in [
        (None, false),
        (Some(vec!["client_secret_basic", "client_secret_post"]), false),
        (Some(vec!["client_secret_post"]), true),
        (Some(vec!["private_key_jwt"]), false),
    ] {
        metadata.token_endpoint_auth_methods_supported =
            methods.map(|methods| methods.into_iter().map(str::to_owned).collect());
        assert_eq!(metadata.secret_in_body(), in_body);
    }
    Ok(())
}
