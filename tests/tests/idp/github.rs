//! GitHub's dialect.

use axum::http::StatusCode;
use serde_json::{Value, json};

use latchkey_idp::Provider::Github;

use crate::support::*;

const SCOPE: &str = "read:user user:email";

async fn api(idp: &Idp, path: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("user-agent", "test")];
    idp.get(path, &headers).await
}

async fn user(idp: &Idp, person: &str) -> (Value, Value) {
    let token = idp.access_token(Github, SCOPE, person, "none").await;
    let user = api(idp, "/github/api/user", &token).await;
    assert_eq!(user.header("x-oauth-scopes"), "read:user, user:email");
    let emails = api(idp, "/github/api/user/emails", &token).await;
    (user.json(), emails.json())
}

#[tokio::test]
async fn github_code_flow_returns_a_user() {
    let idp = Idp::start();
    let form = with(&request(SCOPE), &[("person", "ada"), ("decision", "allow")]);
    let answer = idp.decide(Github, &form).await;
    assert_eq!(answer.callback_param("iss"), None);
    assert_eq!(answer.callback_param("state").unwrap(), "the state & more");

    let code = answer.callback_param("code").unwrap();
    let tokens = idp.exchange(Github, &code).await.json();
    assert_eq!(tokens["scope"], "read:user,user:email");
    assert_eq!(tokens["token_type"], "bearer");
    assert!(tokens.get("expires_in").is_none());

    let token = string(&tokens, "access_token");
    assert_eq!(
        api(&idp, "/github/api/user", &token).await.json(),
        json!({
            "login": "ada",
            "id": 1815,
            "type": "User",
            "avatar_url": "http://127.0.0.1:3001/avatars/ada.svg",
            "name": "Ada Lovelace",
            "email": "ada@github.example.test",
        })
    );
    assert_eq!(
        api(&idp, "/github/api/user/emails", &token).await.json(),
        json!([{
            "email": "ada@github.example.test",
            "primary": true,
            "verified": true,
            "visibility": "public",
        }])
    );
}

#[tokio::test]
async fn github_user_shows_only_public_email() {
    let idp = Idp::start();

    let (user_, emails) = user(&idp, "octo").await;
    assert_eq!(user_["id"].to_string(), "9007199254740993");
    assert_eq!([&user_["name"], &user_["email"]], [&Value::Null, &Value::Null]);
    assert_eq!(emails[0]["email"], "octavia@github.example.test");
    assert_eq!([&emails[0]["primary"], &emails[0]["verified"]], [true, true]);
    assert_eq!(emails[0]["visibility"], "private");

    let (user_, emails) = user(&idp, "noor").await;
    assert_eq!((&user_["email"], emails), (&Value::Null, json!([])));

    let (_, emails) = user(&idp, "grace").await;
    assert_eq!(emails[0]["verified"], false);
}

#[tokio::test]
async fn github_token_response_defaults_to_form_encoding() {
    let idp = Idp::start();
    let code = idp.code(Github, SCOPE, "ada", "none").await;
    let answer = idp.post(Github.token_path(), &[], &exchange(&code)).await;
    assert!(answer.header("content-type").starts_with("application/x-www-form-urlencoded"));
    assert!(answer.body.contains("&scope=read%3Auser%2Cuser%3Aemail&token_type=bearer"));

    // With `Accept: application/json`, it is JSON.
    let code = idp.code(Github, SCOPE, "ada", "none").await;
    assert_eq!(idp.exchange(Github, &code).await.json()["token_type"], "bearer");

    let replay = idp.post(Github.token_path(), &[], &exchange(&code)).await;
    assert!(replay.body.starts_with("error=bad_verification_code&"));
}

#[tokio::test]
async fn github_token_errors_have_status_200() {
    let idp = Idp::start();
    let other_uri = format!("{CALLBACK}?other");
    for (changes, error) in [
        (vec![("code", "unknown")], "bad_verification_code"),
        (vec![("code_verifier", CHALLENGE)], "bad_verification_code"),
        (vec![("client_id", "stranger")], "bad_verification_code"),
        (vec![("client_secret", "wrong")], "incorrect_client_credentials"),
        (vec![("client_id", "nobody")], "incorrect_client_credentials"),
        (vec![("redirect_uri", other_uri.as_str())], "redirect_uri_mismatch"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("x", "1"), ("x", "2")], "invalid_request"),
    ] {
        let code = idp.code(Github, SCOPE, "ada", "none").await;
        let form = with(&exchange(&code), &changes);
        let headers = [("accept", "application/json")];
        let answer = idp.post(Github.token_path(), &headers, &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{changes:?}");
        assert_eq!(answer.json()["error"], error, "{changes:?}");
    }
    let code = idp.code(Github, SCOPE, "ada", "none").await;
    let authorization = basic(CLIENT_ID, SECRET);
    let headers = [("authorization", authorization.as_str()), ("accept", "application/json")];
    let twice = idp.post(Github.token_path(), &headers, &exchange(&code)).await;
    assert_eq!(twice.json()["error"], "invalid_request");

    let got = idp.get(Github.token_path(), &[]).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn github_grant_type_is_optional() {
    let idp = Idp::start();
    let code = idp.code(Github, SCOPE, "ada", "none").await;
    let form = without(&exchange(&code), &["grant_type"]);
    let answer = idp.post(Github.token_path(), &[], &form).await;
    assert!(answer.body.starts_with("access_token="), "{}", answer.body);
}

#[tokio::test]
async fn replayed_code_revokes_issued_tokens() {
    let idp = Idp::start();
    let code = idp.code(Github, SCOPE, "ada", "none").await;
    let token = string(&idp.exchange(Github, &code).await.json(), "access_token");
    assert_eq!(api(&idp, "/github/api/user", &token).await.status, StatusCode::OK);
    idp.exchange(Github, &code).await;
    let after = api(&idp, "/github/api/user", &token).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn github_api_errors_use_github_messages() {
    let idp = Idp::start();
    let token = idp.access_token(Github, SCOPE, "ada", "none").await;
    let bearer = format!("Bearer {token}");
    let spoken = format!("token {token}");
    let google = idp.access_token(latchkey_idp::Provider::Google, "openid", "ada", "none").await;
    let foreign = format!("Bearer {google}");
    let agent = ("user-agent", "test");
    for (headers, status, message) in [
        (vec![("authorization", spoken.as_str()), agent], 200, ""),
        (vec![agent], 401, "Requires authentication"),
        (vec![("authorization", "Bearer nonsense"), agent], 401, "Bad credentials"),
        (vec![("authorization", foreign.as_str()), agent], 401, "Bad credentials"),
        (vec![("authorization", "Bearer"), agent], 401, "Bad credentials"),
    ] {
        let answer = idp.get("/github/api/user", &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        assert!(status == 200 || answer.json()["message"] == message, "{headers:?}");
    }
    for headers in [
        vec![("authorization", bearer.as_str())],
        vec![("authorization", bearer.as_str()), ("user-agent", "")],
    ] {
        let answer = idp.get("/github/api/user", &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.body.contains("User-Agent"));
    }
    let nowhere = idp.get("/github/api/repos", &[agent]).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert_eq!(nowhere.json()["message"], "Not Found");
}

#[tokio::test]
async fn github_emails_require_user_email_scope() {
    let idp = Idp::start();
    let token = idp.access_token(Github, "read:user", "ada", "none").await;
    let answer = api(&idp, "/github/api/user/emails", &token).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("x-oauth-scopes"), "read:user");
}

#[tokio::test]
async fn misbehaviours_alter_token_and_user_responses() {
    let idp = Idp::start();
    let code = idp.code(Github, SCOPE, "ada", "server_error").await;
    let failed = idp.exchange(Github, &code).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);

    let code = idp.code(Github, SCOPE, "ada", "garbage_token").await;
    let garbage = idp.exchange(Github, &code).await;
    assert!(serde_json::from_str::<Value>(&garbage.body).is_err());

    let token = idp.access_token(Github, SCOPE, "ada", "rate_limited").await;
    let limited = api(&idp, "/github/api/user", &token).await;
    assert_eq!(limited.status, StatusCode::FORBIDDEN);
    assert_eq!(limited.header("x-ratelimit-remaining"), "0");
    assert_eq!(limited.header("retry-after"), "60");
}

#[tokio::test]
async fn private_repositories_require_repo_scope() {
    let idp = Idp::start();
    let path = "/github/api/user/repos";
    let some = idp.access_token(Github, "read:user", "ada", "none").await;
    let all = idp.access_token(Github, "read:user repo", "ada", "none").await;
    let public = api(&idp, path, &some).await.json();
    let public = public.as_array().unwrap();
    assert!(public.iter().all(|one| one["private"] == false && one["owner"]["login"] == "ada"));
    let both = api(&idp, path, &all).await.json();
    let both = both.as_array().unwrap();
    assert!(both.len() > public.len() && public.iter().all(|one| both.contains(one)));
    let private = api(&idp, &format!("{path}?visibility=private"), &all).await.json();
    assert_eq!(private.as_array().unwrap().len(), both.len() - public.len());

    let page = api(&idp, &format!("{path}?per_page=1"), &all).await;
    assert_eq!(page.json().as_array().unwrap().len(), 1);
    let next = format!("<{ORIGIN}{path}?visibility=all&per_page=1&page=2>; rel=\"next\"");
    assert_eq!(page.header("link"), next);
    for (query, status) in [("?page=0", 422), ("?visibility=both", 422), ("?page=99", 200)] {
        let answer = api(&idp, &format!("{path}{query}"), &all).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
}

#[tokio::test]
async fn deleting_grant_revokes_all_app_tokens() {
    let idp = Idp::start();
    let first = idp.access_token(Github, SCOPE, "ada", "none").await;
    let second = idp.access_token(Github, "repo", "ada", "none").await;
    let others = idp.access_token(Github, SCOPE, "grace", "none").await;
    let (own, wrong) = (basic(CLIENT_ID, SECRET), basic(CLIENT_ID, "wrong"));
    let stranger = basic("stranger", SECRET);
    let body = |token: &str| json!({ "access_token": token }).to_string();
    for (client, authorization, body, status) in [
        (CLIENT_ID, wrong.as_str(), body(&first), 401),
        (CLIENT_ID, &stranger, body(&first), 401),
        ("stranger", &stranger, body(&first), 404),
        (CLIENT_ID, &own, body("unknown"), 404),
        (CLIENT_ID, &own, "{}".to_owned(), 422),
        (CLIENT_ID, &own, body(&first), 204),
        (CLIENT_ID, &own, body(&first), 404),
    ] {
        let answer = idp.delete_grant(client, authorization, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{client} {body}");
    }
    for (token, status) in [(&first, 401), (&second, 401), (&others, 200)] {
        assert_eq!(api(&idp, "/github/api/user", token).await.status.as_u16(), status);
    }

    let failing = idp.access_token(Github, SCOPE, "ada", "revocation_fails").await;
    for status in [500, 500, 204] {
        let answer = idp.delete_grant(CLIENT_ID, &own, &body(&failing)).await;
        assert_eq!(answer.status.as_u16(), status);
    }
}
