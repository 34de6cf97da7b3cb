//! Invalid input to the password routes: refused fast, without hashing.

use latchkey_tests::accounts;
use latchkey_tests::accounts::{ApiClient, expect_problem, json_of, sign_up, submit_password};
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Latchkey};
use reqwest::Method;

const ADA: &str = "ada@example.test";

#[tokio::test]
async fn oversized_request_bodies_return_413() {
    let app = Latchkey::start().await;
    let megabyte = "x".repeat(1 << 20);
    for path in ["/sign-in", "/sign-up", "/forgot", "/auth/google"] {
        for field in ["password", "email", "name", "next", "strategy"] {
            let page = Browser::new().post(&app.url(path), &[(field, &*megabyte)]).await;
            let page = page.expect_error(413, "too_large");
            assert!(!page.body.contains(&megabyte[..1000]), "{path}: it is repeated");
        }
    }
    // This route reads no body.
    let page = Browser::new().post(&app.url("/sign-out"), &[("next", &*megabyte)]).await;
    assert_eq!(page.see_other(), "/");
    let json = [("content-type", "application/json")];
    for (path, body) in [
        ("/api/v1/token", format!(r#"{{"email":"{ADA}","password":"{megabyte}"}}"#)),
        ("/api/v1/token/refresh", format!(r#"{{"refresh_token":"{megabyte}"}}"#)),
        ("/api/v1/token/revoke", format!(r#"{{"token":"{megabyte}"}}"#)),
    ] {
        let page = ApiClient::new(&app).raw(Method::POST, path, &json, Some(body)).await;
        expect_problem(&page, 413, "too_large");
    }
}

#[tokio::test]
async fn malformed_sign_in_credentials_return_401() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let long = "x".repeat(60_000);
    for (email, password) in [
        (ADA, long.as_str()),
        (long.as_str(), "x"),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("ada@example.test\0", "\0"),
        ("ada@example.test' --", accounts::PASSWORD),
        ("%", "%"),
    ] {
        let fields = [("email", email), ("password", password)];
        let page = submit_password(&mut Browser::new(), &app, &fields).await;
        let _ = page.expect_error(401, "wrong_credentials");
    }
}

#[tokio::test]
async fn malformed_json_token_request_returns_400() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let good = accounts::PASSWORD;
    let deep = "[".repeat(30_000) + &"]".repeat(30_000);
    let objects = r#"{"a":"#.repeat(5000) + "1" + &"}".repeat(5000);
    let mut program = ApiClient::new(&app);
    for body in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"hello\"".to_owned(),
        "{".to_owned(),
        "{}".to_owned(),
        format!(r#"{{"email":"{ADA}"}}"#),
        format!(r#"{{"email":"{ADA}","password":null}}"#),
        format!(r#"{{"email":"{ADA}","password":true}}"#),
        format!(r#"{{"email":"{ADA}","password":1}}"#),
        format!(r#"{{"email":"{ADA}","password":["{good}"]}}"#),
        format!(r#"{{"email":"{ADA}","password":{{"$ne":null}}}}"#),
        format!(r#"{{"email":["{ADA}"],"password":"{good}"}}"#),
        format!(r#"{{"email":"{ADA}","password":"{good}","scope":["profile"]}}"#),
        format!(r#"{{"email":"{ADA}","email":"eve@example.test","password":"{good}"}}"#),
        format!(r#"{{"email":"{ADA}","password":"x","password":"{good}"}}"#),
        format!(r#"{{"email":"{ADA}","p\u0061ssword":"x","password":"{good}"}}"#),
        format!(r#"{{"email":"{ADA}","password":"{good}"}} trailing"#),
        format!(r#"{{"email":"\ud800","password":"{good}"}}"#),
        format!(r#"{{"email":"{ADA}","password":{deep}}}"#),
        objects,
    ] {
        let json = [("content-type", "application/json")];
        let page = program.raw(Method::POST, "/api/v1/token", &json, Some(body.clone())).await;
        let said = expect_problem(&page, 400, "bad_request");
        assert_eq!(said["error"], "invalid_request", "{body:.80}");
        assert!(!page.body.contains(good), "{body:.80}: the password is repeated");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"] {
        let headers = [("content-type", kind)];
        let body = format!(r#"{{"email":"{ADA}","password":"{good}"}}"#);
        let page = program.raw(Method::POST, "/api/v1/token", &headers, Some(body)).await;
        expect_problem(&page, 415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn unknown_scope_is_rejected_before_password_check() {
    let app = Latchkey::start().await;
    let mut program = ApiClient::new(&app);
    for scope in ["admin", "profile admin", "Profile", "profile,contacts:read", "*"] {
        let body = serde_json::json!({ "email": ADA, "password": "x", "scope": scope });
        let page = program.post("/api/v1/token", body).await;
        assert_eq!(
            expect_problem(&page, 400, "invalid_scope")["error"],
            "invalid_scope",
            "{scope}"
        );
    }
}

/// An invalid scope does not become all scopes.
#[tokio::test]
async fn non_space_whitespace_scope_is_rejected() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let body =
        |scope| serde_json::json!({ "email": ADA, "password": accounts::PASSWORD, "scope": scope });
    for scope in ["\u{a0}", "\u{2003}", "\u{b}"] {
        let page = ApiClient::new(&app).post("/api/v1/token", body(scope)).await;
        assert_eq!(page.status, 400, "{scope:?}: {}", page.body);
    }
}

#[tokio::test]
async fn malformed_form_posts_return_client_errors() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let twice = |body: &'static str| (body, 400, "bad_request");
    for (path, (body, status, code)) in [
        ("/sign-in", twice("email=a&email=b&password=c")),
        ("/sign-in", twice("email=a&password=b&password=c")),
        ("/sign-up", twice("name=a&name=b&email=c&password=d")),
        ("/sign-in", ("", 401, "wrong_credentials")),
        ("/sign-in", ("%ff%fe=%ff", 401, "wrong_credentials")),
        ("/sign-in", ("email[]=a&password[]=b", 401, "wrong_credentials")),
        ("/sign-up", ("", 422, "validation_failed")),
    ] {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let url = app.url(path);
        let page = Browser::new().send(Method::POST, &url, &form, Some(body.to_owned())).await;
        assert!((400..500).contains(&page.status), "{path} {body}: {}", page.summary());
        let _ = page.expect_error(status, code);
    }
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let url = app.url("/sign-in");
        let headers = [("content-type", kind)];
        let page = Browser::new().send(Method::POST, &url, &headers, Some("{}".to_owned())).await;
        let _ = page.expect_error(415, "unsupported_media_type");
    }
    assert_eq!(rows(&app.app.db, "users").await, 1);
}

#[tokio::test]
async fn hostile_names_round_trip_and_are_escaped() {
    let app = Latchkey::start().await;
    let (mut program, _) = accounts::sign_up_client(&app, ADA).await;
    for (n, name) in ["'; DROP TABLE users; --", "\u{202e}rtl", "𝕏\u{300}\u{301}", "<img src=x>"]
        .into_iter()
        .enumerate()
    {
        let email = format!("person{n}@example.test");
        let fields = [("name", name), ("email", &*email), ("password", accounts::PASSWORD)];
        assert_eq!(Browser::new().post(&app.url("/sign-up"), &fields).await.status, 303, "{name}");
        let mut browser = accounts::signed_in(&app, &email, "session").await;
        let me = json_of(&browser.get(&app.url("/api/v1/me")).await);
        // User names lose direction overrides, which would reverse the rest of the page.
        assert_eq!(me["name"], name.trim_start_matches('\u{202e}'));
        let page = browser.get(&app.url("/account")).await.expect(200);
        assert!(!page.body.contains("<img src=x>"), "{name}");
        let page = program.post("/api/v1/contacts", serde_json::json!({ "name": name })).await;
        assert_eq!(page.status, 201, "{name}: {}", page.summary());
        assert_eq!(json_of(&page)["name"], name);
    }
}
