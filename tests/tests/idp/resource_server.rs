//! Tokens for other APIs: RFC 8707, introspection (RFC 7662), and the list of authorized apps.

use axum::http::StatusCode;
use serde_json::{Value, json};

use latchkey_idp::Provider::Google;

use crate::support::*;

const READ: &str = "calendar:read";

fn api_basic() -> String {
    basic("latchkey-api", API_SECRET)
}

async fn tokens(idp: &Idp, scope: &str, more: &[(&str, &str)]) -> Value {
    let asked = with(&request(scope), &[("person", "ada"), ("decision", "allow")]);
    let answer = idp.decide(Google, &with(&asked, more)).await;
    let code = answer.callback_param("code").expect("a code");
    let tokens = idp.exchange(Google, &code).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    tokens.json()
}

async fn introspect(idp: &Idp, authorization: &str, token: &str) -> Answer {
    let headers = [("authorization", authorization)];
    idp.post("/google/introspect", &headers, &[("token", token)]).await
}

async fn authorizations(idp: &Idp, sub: &str) -> Vec<Value> {
    let path = format!("/google/authorizations?sub={sub}");
    let answer = idp.get(&path, &[("authorization", &api_basic())]).await;
    answer.json()["authorizations"].as_array().unwrap().clone()
}

#[tokio::test]
async fn introspection_returns_subject_scope_and_audience() {
    let idp = Idp::start();
    let token = string(&tokens(&idp, READ, &[("resource", AUDIENCE)]).await, "access_token");
    idp.wait(10);
    let answer = introspect(&idp, &api_basic(), &token).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.json(),
        json!({
            "active": true,
            "iss": "http://127.0.0.1:3001/google",
            "sub": "100000000000000000001",
            "aud": AUDIENCE,
            "client_id": "app",
            "scope": READ,
            "iat": NOW,
            "exp": NOW + 3600,
            "token_type": "Bearer",
        })
    );
    idp.wait(3590);
    let expired = introspect(&idp, &api_basic(), &token).await;
    assert_eq!(expired.json(), json!({ "active": false }));
}

#[tokio::test]
async fn access_token_has_exactly_one_audience() {
    let idp = Idp::start();
    for (scope, resource, audience, granted) in [
        ("openid email", None, "http://127.0.0.1:3001/google", "openid email"),
        (CALENDAR, Some("http://127.0.0.1:3001/google"), "http://127.0.0.1:3001/google", CALENDAR),
        (READ, None, AUDIENCE, READ),
        ("openid profile email", Some(AUDIENCE), AUDIENCE, "openid profile"),
    ] {
        let more: Vec<_> = resource.map(|uri| ("resource", uri)).into_iter().collect();
        let tokens = tokens(&idp, scope, &more).await;
        assert_eq!(tokens["scope"], granted);
        let told = introspect(&idp, &api_basic(), &string(&tokens, "access_token")).await.json();
        assert_eq!([&told["aud"], &told["scope"]], [&json!(audience), &json!(granted)], "{scope}");
    }
    let elsewhere = with(&request(READ), &[("resource", "http://nowhere.test")]);
    let refused = idp.authorize(Google, &elsewhere).await;
    assert_eq!(refused.callback_param("error").unwrap(), "invalid_target");
}

#[tokio::test]
async fn token_request_resource_must_match_the_consent() {
    let idp = Idp::start();
    for (resource, status) in
        [(AUDIENCE, 200), ("http://127.0.0.1:3001/google", 400), ("http://nowhere.test", 400)]
    {
        let code = idp.code(Google, READ, "ada", "none").await;
        let form = with(&exchange(&code), &[("resource", resource)]);
        let answer = idp.post("/google/token", &[], &form).await;
        assert_eq!(answer.status.as_u16(), status, "{resource}: {}", answer.body);
        assert!(status == 200 || answer.json()["error"] == "invalid_target");
    }
}

#[tokio::test]
async fn introspection_reveals_only_tokens_of_the_caller() {
    let idp = Idp::start();
    let tokens = tokens(&idp, READ, &[("access_type", "offline")]).await;
    let (access, refresh) = (string(&tokens, "access_token"), string(&tokens, "refresh_token"));
    let github = idp.access_token(latchkey_idp::Provider::Github, "read:user", "ada", "none").await;
    let (own, stranger) = (basic(CLIENT_ID, SECRET), basic("stranger", SECRET));
    for (who, authorization, token, active) in [
        ("the API", api_basic(), access.as_str(), true),
        ("the API, a refresh token", api_basic(), &refresh, false),
        ("the API, of another provider", api_basic(), &github, false),
        ("the API, nonsense", api_basic(), "nonsense", false),
        ("its client", own.clone(), &access, true),
        ("its client, a refresh token", own, &refresh, true),
        ("another client", stranger.clone(), &access, false),
        ("another client, a refresh token", stranger, &refresh, false),
    ] {
        let answer = introspect(&idp, &authorization, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{who}");
        let told = answer.json();
        assert_eq!(told["active"], active, "{who}");
        assert_eq!(told.as_object().unwrap().len() == 1, !active, "{who}");
        assert_eq!(told["token_type"].is_string(), active && token == access, "{who}");
    }
    for (authorization, form, status) in [
        (None, &[("token", access.as_str())][..], 401),
        (Some(basic("latchkey-api", "wrong")), &[("token", &access)], 401),
        (Some(basic("nobody", API_SECRET)), &[("token", &access)], 401),
        (Some(format!("Bearer {access}")), &[("token", &access)], 401),
        (Some(api_basic()), &[], 400),
        (Some(api_basic()), &[("token", "a"), ("token", "b")], 400),
    ] {
        let headers: Vec<_> =
            authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = idp.post("/google/introspect", &headers, form).await;
        assert_eq!(answer.status.as_u16(), status, "{authorization:?}");
        assert!(answer.json().get("active").is_none());
    }
    let got = idp.get(&format!("/google/introspect?token={access}"), &[]).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn consent_page_names_the_api() {
    let idp = Idp::start();
    let page = idp.authorize(Google, &request(READ)).await;
    assert!(page.body.contains("See your calendar at Latchkey"), "{}", page.body);
    assert!(page.body.contains(&format!(r#"name="scope" value="{READ}" checked"#)));
    assert!(page.body.contains("<h1>Latchkey wants access to Latchkey</h1>"));
    let both = idp.authorize(Google, &request("openid calendar:read")).await;
    assert!(both.body.contains("<h1>Latchkey wants to know who you are</h1>"));
    let own = idp.authorize(Google, &request(CALENDAR)).await;
    assert!(own.body.contains("<h1>Latchkey wants access to your Google account</h1>"));
    assert!(!own.body.contains("calendar at Latchkey"));
}

#[tokio::test]
async fn api_can_list_and_revoke_authorizations() {
    let idp = Idp::start();
    let ada = "100000000000000000001";
    assert!(authorizations(&idp, ada).await.is_empty());
    let first = tokens(&idp, READ, &[("access_type", "offline")]).await;
    idp.wait(60);
    // The same app again is the same entry; sign-ins and other users are not listed for this API.
    let more = [("include_granted_scopes", "true")];
    tokens(&idp, "contacts:read", &more).await;
    tokens(&idp, "openid email", &[]).await;
    tokens(&idp, READ, &[("person", "grace")]).await;
    let token = string(&first, "access_token");
    introspect(&idp, &basic(CLIENT_ID, SECRET), &token).await;
    let [entry] = authorizations(&idp, ada).await.try_into().unwrap();
    assert_eq!(entry["last_used_at"], Value::Null);
    introspect(&idp, &api_basic(), &token).await;

    let [entry] = authorizations(&idp, ada).await.try_into().unwrap();
    let id = string(&entry, "id");
    assert_eq!(
        entry,
        json!({
            "id": id,
            "client_id": "app",
            "client_name": "Latchkey",
            "scope": "calendar:read contacts:read",
            "created_at": NOW,
            "last_used_at": NOW + 60,
        })
    );

    let path = format!("/google/authorizations/{id}");
    for (authorization, status) in [
        (basic(CLIENT_ID, SECRET), 401),
        (basic("latchkey-api", "wrong"), 401),
        (api_basic(), 204),
        (api_basic(), 404),
    ] {
        assert_eq!(idp.delete(&path, &authorization).await.status.as_u16(), status);
    }
    assert!(authorizations(&idp, ada).await.is_empty());
    let told = introspect(&idp, &api_basic(), &token).await.json();
    assert_eq!(told, json!({ "active": false }));
    let refresh_token = string(&first, "refresh_token");
    let form =
        with(&exchange(""), &[("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]);
    let renewed = idp.post("/google/token", &[], &form).await;
    assert_eq!(renewed.json()["error"], "invalid_grant");

    let unauthorized = idp.get("/google/authorizations?sub=x", &[]).await;
    assert_eq!(unauthorized.status, StatusCode::UNAUTHORIZED);
    let nobody = idp.get("/google/authorizations", &[("authorization", &api_basic())]).await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn authorization_server_metadata_follows_rfc_8414() {
    let idp = Idp::start();
    let found = idp.get("/.well-known/oauth-authorization-server/google", &[]).await.json();
    let openid = idp.get("/google/.well-known/openid-configuration", &[]).await.json();
    assert_eq!(found, openid);
    assert_eq!(found["protected_resources"], json!([AUDIENCE]));
    assert_eq!(found["introspection_endpoint"], format!("{ORIGIN}/google/introspect"));
    assert_eq!(found["authorizations_endpoint"], format!("{ORIGIN}/google/authorizations"));
    assert_eq!(found["revocation_endpoint"], format!("{ORIGIN}/google/revoke"));
}
