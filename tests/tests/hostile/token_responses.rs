//! Token responses that break a rule (RFC 6749 §5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_tests::issuer::{Answer, TOKEN};
use latchkey_tests::{Browser, Issuer, Setup};
use serde_json::{Value, json};

use crate::{acme, refused, sign_in};

#[tokio::test]
async fn malformed_tokens_and_token_types_are_refused() {
    let (app, issuer) = acme().await;
    let nonsense = Some((502, "provider_nonsense"));
    let no_token = Some((502, "id_token_refused"));
    for (member, value, outcome) in [
        ("token_type", json!("bearer"), None),
        ("token_type", json!("BEARER"), None),
        ("token_type", json!("mac"), nonsense),
        ("token_type", json!("DPoP"), nonsense),
        ("token_type", json!(null), nonsense),
        ("token_type", json!(1), nonsense),
        ("access_token", json!(null), nonsense),
        ("access_token", json!(1), nonsense),
        ("access_token", json!(["a"]), nonsense),
        // Bytes that would inject headers.
        ("access_token", json!("a\r\nX-Evil: 1"), nonsense),
        ("access_token", json!("a\u{0}b"), nonsense),
        ("access_token", json!("a\u{7f}b"), nonsense),
        ("expires_in", json!(-1), None),
        ("expires_in", json!(0), None),
        ("expires_in", json!(1e20), None),
        ("expires_in", json!(u64::MAX), None),
        ("expires_in", json!(i64::MIN), None),
        ("expires_in", json!(3599.5), None),
        ("expires_in", json!("3600"), None),
        ("expires_in", json!("soon"), None),
        ("expires_in", json!(null), None),
        ("expires_in", json!([]), None),
        ("scope", json!(null), None),
        ("scope", json!(["openid"]), None),
        ("scope", json!("openid,email"), None),
        ("id_token", json!(null), no_token),
        ("id_token", json!(1), no_token),
        ("id_token", json!(""), no_token),
        ("id_token", json!("garbage"), no_token),
        ("id_token", json!("a.b.c"), no_token),
        ("id_token", json!("a.b.c.d.e"), no_token),
        ("id_token", json!(["a"]), no_token),
        ("id_token", json!({}), no_token),
        ("id_token", json!("e30.e30.e30"), no_token),
        ("id_token", json!("x".repeat(900_000)), no_token),
    ] {
        let said = value.clone();
        issuer.token_response(move |response| response[member] = said.clone());
        let mut browser = Browser::new();
        let page = sign_in(&app, &issuer, &mut browser).await;
        let what = format!("{member} {value:.40}");
        match outcome {
            Some((status, code)) => {
                refused(&page, &what, status, code);
                assert_eq!(browser.account(&app).await, None, "{what}");
            }
            // The profile is requested with the received token.
            None => assert_eq!(page.status, 303, "{what}: {}", page.summary()),
        }
    }
}

#[tokio::test]
async fn missing_token_response_members_are_refused() {
    let (app, issuer) = acme().await;
    for (member, code) in [
        ("access_token", "provider_nonsense"),
        ("token_type", "provider_nonsense"),
        ("id_token", "id_token_refused"),
    ] {
        issuer.token_response(move |response| {
            response.as_object_mut().expect("an object").remove(member);
        });
        refused(&sign_in(&app, &issuer, &mut Browser::new()).await, member, 502, code);
    }
}

#[tokio::test]
async fn token_endpoint_errors_map_to_error_codes() {
    let (app, issuer) = acme().await;
    for (error, status, code) in [
        (json!("invalid_grant"), 400, "code_refused"),
        (json!("invalid_client"), 502, "token_exchange_refused"),
        (json!("unauthorized_client"), 502, "token_exchange_refused"),
        (json!("unsupported_grant_type"), 502, "token_exchange_refused"),
        (json!("<script>alert(1)</script>"), 502, "token_exchange_refused"),
        (json!(1), 502, "provider_nonsense"),
        (json!(null), 502, "provider_nonsense"),
    ] {
        for http in [400, 401, 403] {
            let body = json!({ "error": error, "error_description": "<b>planted</b>", "error_uri": "javascript:1" });
            issuer.respond_with(TOKEN, Answer::Body(http, "application/json", body.to_string()));
            let page = sign_in(&app, &issuer, &mut Browser::new()).await;
            refused(&page, &format!("{error} {http}"), status, code);
            for planted in ["<script>alert", "planted", "javascript:"] {
                assert!(!page.body.contains(planted), "{planted}");
            }
            let is_our_fault = code == "token_exchange_refused";
            assert_eq!(page.body.contains("_TOKEN_AUTH"), is_our_fault, "{error} {http}");
        }
    }
}

/// RFC 6749 §2.3.1: form-encoded in `Basic`, or in the body, never both.
#[tokio::test]
async fn client_authentication_uses_exactly_one_method() {
    for (methods, basic, setting) in [
        (Value::Null, false, "body"),
        (json!(["client_secret_basic"]), false, "body"),
        (json!(["client_secret_post"]), true, "basic"),
        (Value::Null, true, "auto"),
        (json!(["client_secret_basic"]), true, "auto"),
        (json!(["client_secret_post", "client_secret_basic"]), true, "auto"),
        (json!(["client_secret_post"]), false, "auto"),
        (json!(["private_key_jwt", "client_secret_post"]), false, "auto"),
    ] {
        let issuer = Issuer::start().await;
        let setup = Setup::new().with_issuer(&issuer).set("OIDC_ACME_TOKEN_AUTH", setting);
        let app = setup.start().await;
        let said = methods.clone();
        issuer.metadata(move |metadata| {
            if !said.is_null() {
                metadata["token_endpoint_auth_methods_supported"] = said.clone();
            }
        });
        assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
        let asked = issuer.requests(TOKEN).remove(0);
        if basic {
            let header = asked.header("authorization").expect("Basic");
            let pair =
                STANDARD.decode(header.strip_prefix("Basic ").expect("Basic")).expect("base64");
            let pair = String::from_utf8(pair).expect("text");
            let (id, secret) = pair.split_once(':').expect("two parts");
            let decode = |text: &str| {
                let pair = format!("x={text}");
                url::form_urlencoded::parse(pair.as_bytes()).next().expect("x").1.into_owned()
            };
            assert_eq!(decode(id), issuer.client_id());
            assert_eq!(decode(secret), issuer.client_secret());
            assert_eq!(asked.field("client_secret"), None, "{methods}");
        } else {
            assert_eq!(asked.header("authorization"), None, "{methods}");
            assert_eq!(asked.field("client_id").as_deref(), Some(issuer.client_id()));
            assert_eq!(asked.field("client_secret").as_deref(), Some(issuer.client_secret()));
        }
        assert_eq!(asked.query, "", "the secret is in no URL");
    }
}
