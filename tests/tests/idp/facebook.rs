//! Facebook's dialect.

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use serde_json::{Value, json};

use latchkey_idp::Provider::Facebook;

use crate::support::*;

const SCOPE: &str = "public_profile email";
const ME: &str = "/facebook/v23.0/me";

async fn me(idp: &Idp, query: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    idp.get(&format!("{ME}{query}"), &[("authorization", &authorization)]).await
}

fn proof(token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn facebook_code_flow_returns_a_user_node() {
    let idp = Idp::start();
    let form = with(&request(SCOPE), &[("person", "ada"), ("decision", "allow")]);
    let answer = idp.decide(Facebook, &form).await;
    assert_eq!(answer.callback_param("iss"), None);
    let code = answer.callback_param("code").unwrap();

    let tokens = idp.exchange(Facebook, &code).await.json();
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 60 * 24 * 60 * 60);
    let token = string(&tokens, "access_token");
    let expected = json!({
        "id": "10150000000000001",
        "name": "Ada Lovelace",
        "email": "ada@example.test",
        "picture": { "data": {
            "height": 50,
            "width": 50,
            "is_silhouette": false,
            "url": "http://127.0.0.1:3001/avatars/ada.svg",
        }},
    });
    let query = format!("?fields=id,name,email,picture&appsecret_proof={}", proof(&token));
    assert_eq!(me(&idp, &query, &token).await.json(), expected);
    let in_query = format!("{ME}?fields=id,name,email,picture&access_token={token}");
    assert_eq!(idp.get(&in_query, &[]).await.json(), expected);
}

#[tokio::test]
async fn facebook_token_endpoint_accepts_get() {
    let idp = Idp::start();
    let code = idp.code(Facebook, SCOPE, "ada", "none").await;
    let form = without(&exchange(&code), &["grant_type"]);
    let path = format!("{}?{}", Facebook.token_path(), encoded(&form));
    let answer = idp.get(&path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.json()["access_token"].is_string());
}

#[tokio::test]
async fn user_node_has_only_requested_and_granted_fields() {
    let idp = Idp::start();
    for (scope, person, query, expected) in [
        (SCOPE, "ada", "", json!({ "id": "10150000000000001", "name": "Ada Lovelace" })),
        (SCOPE, "ada", "?fields=id", json!({ "id": "10150000000000001" })),
        (
            SCOPE,
            "ada",
            "?fields=name",
            json!({ "id": "10150000000000001", "name": "Ada Lovelace" }),
        ),
        (SCOPE, "noor", "?fields=email", json!({ "id": "10150000000000003" })),
        ("public_profile", "ada", "?fields=email", json!({ "id": "10150000000000001" })),
        (SCOPE, "twin", "?fields=email", json!({ "id": "1815", "email": "ada@example.test" })),
    ] {
        let token = idp.access_token(Facebook, scope, person, "none").await;
        let node = me(&idp, query, &token).await.json();
        assert_eq!(node, expected, "{scope} {person} {query}");
    }
}

#[tokio::test]
async fn graph_api_errors_use_facebook_format() {
    let idp = Idp::start();
    let token = idp.access_token(Facebook, SCOPE, "ada", "none").await;
    let twice = format!("?access_token={token}");
    let wrong_proof = format!("?appsecret_proof={}", proof("another token"));
    for (query, bearer, code, kind) in [
        ("", None, 2500, "OAuthException"),
        ("", Some("nonsense"), 190, "OAuthException"),
        ("?access_token=nonsense", None, 190, "OAuthException"),
        (twice.as_str(), Some(token.as_str()), 190, "OAuthException"),
        (wrong_proof.as_str(), Some(token.as_str()), 100, "GraphMethodException"),
        ("?fields=id,birthday", Some(token.as_str()), 100, "OAuthException"),
        ("?fields=id&fields=name", Some(token.as_str()), 100, "OAuthException"),
    ] {
        let answer = match bearer {
            Some(token) => me(&idp, query, token).await,
            None => idp.get(&format!("{ME}{query}"), &[]).await,
        };
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let error = &answer.json()["error"];
        assert_eq!((&error["code"], &error["type"]), (&json!(code), &json!(kind)), "{query}");
        assert!(error["message"].is_string() && error["fbtrace_id"].is_string());
        assert!(answer.header("www-authenticate").starts_with("OAuth "));
    }
}

#[tokio::test]
async fn facebook_token_errors_use_graph_api_format() {
    let idp = Idp::start();
    let other_uri = format!("{CALLBACK}?other");
    for (changes, code, subcode) in [
        (vec![("code", "unknown")], 100, Value::Null),
        (vec![("code_verifier", CHALLENGE)], 100, Value::Null),
        (vec![("client_id", "stranger")], 100, Value::Null),
        (vec![("redirect_uri", other_uri.as_str())], 100, json!(36008)),
        (vec![("client_secret", "wrong")], 1, Value::Null),
        (vec![("client_id", "nobody")], 1, Value::Null),
        (vec![("grant_type", "password")], 100, Value::Null),
        (vec![("x", "1"), ("x", "2")], 100, Value::Null),
    ] {
        let fresh = idp.code(Facebook, SCOPE, "ada", "none").await;
        let form = with(&exchange(&fresh), &changes);
        let answer = idp.post(Facebook.token_path(), &[], &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes:?}");
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["code"], &error["error_subcode"]),
            (&json!(code), &subcode),
            "{changes:?}"
        );
        assert_eq!(error["type"], "OAuthException");
    }
    let authorization = basic(CLIENT_ID, SECRET);
    let headers = [("authorization", authorization.as_str())];
    let fresh = idp.code(Facebook, SCOPE, "ada", "none").await;
    let twice = idp.post(Facebook.token_path(), &headers, &exchange(&fresh)).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn replayed_code_revokes_token_and_old_code_expires() {
    let idp = Idp::start();
    let code = idp.code(Facebook, SCOPE, "ada", "none").await;
    let token = string(&idp.exchange(Facebook, &code).await.json(), "access_token");
    assert_eq!(me(&idp, "", &token).await.status, StatusCode::OK);
    let replay = idp.exchange(Facebook, &code).await.json();
    assert_eq!(replay["error"]["error_subcode"], 36009);
    assert_eq!(me(&idp, "", &token).await.json()["error"]["code"], 190);

    let code = idp.code(Facebook, SCOPE, "ada", "none").await;
    idp.wait(60);
    let late = idp.exchange(Facebook, &code).await.json();
    assert_eq!(late["error"]["error_subcode"], 36007);
}

#[tokio::test]
async fn misbehaviours_alter_token_and_user_responses() {
    let idp = Idp::start();
    let code = idp.code(Facebook, SCOPE, "ada", "server_error").await;
    let failed = idp.exchange(Facebook, &code).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);

    let code = idp.code(Facebook, SCOPE, "ada", "garbage_token").await;
    let garbage = idp.exchange(Facebook, &code).await;
    assert!(serde_json::from_str::<Value>(&garbage.body).is_err());

    let token = idp.access_token(Facebook, SCOPE, "ada", "rate_limited").await;
    assert_eq!(me(&idp, "", &token).await.json()["error"]["code"], 4);
}

#[tokio::test]
async fn deleting_permissions_revokes_all_app_tokens() {
    let idp = Idp::start();
    let first = idp.access_token(Facebook, SCOPE, "ada", "none").await;
    let second = idp.access_token(Facebook, SCOPE, "ada", "none").await;
    let others = idp.access_token(Facebook, SCOPE, "grace", "none").await;
    let permissions = "/facebook/v23.0/me/permissions";
    let refused = idp.delete(permissions, "Bearer nonsense").await;
    assert_eq!(refused.json()["error"]["code"], 190);
    let answer = idp.delete(permissions, &format!("Bearer {first}")).await;
    assert_eq!(answer.json(), serde_json::json!({ "success": true }));
    for (token, status) in [(&first, 400), (&second, 400), (&others, 200)] {
        assert_eq!(me(&idp, "", token).await.status.as_u16(), status);
    }
    let failing = idp.access_token(Facebook, SCOPE, "ada", "revocation_fails").await;
    for status in [500, 500, 200] {
        let answer = idp.delete(permissions, &format!("Bearer {failing}")).await;
        assert_eq!(answer.status.as_u16(), status);
    }
}
