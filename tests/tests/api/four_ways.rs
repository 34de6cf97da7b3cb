//! Two sign-in methods, two credentials: the same responses for all four.

use latchkey_tests::accounts;
use latchkey_tests::accounts::{ApiClient, cookie_value, json_of, queries, sign_up, signed_in};
use latchkey_tests::{Browser, Latchkey, Page};
use reqwest::Method;

const ADA: &str = "ada@example.test";

/// Signs in with this method and credential.
async fn enter(app: &Latchkey, door: &str, key: &str) -> Browser {
    if door == "password" {
        return signed_in(app, ADA, key).await;
    }
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in_with(app, door, &[("strategy", key)]).await;
    let callback = browser.consent(&authorize, "ada").await;
    assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
    browser
}

async fn app() -> Latchkey {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    app
}

#[tokio::test]
async fn me_response_is_identical_for_every_credential() {
    let app = app().await;
    for door in ["google", "github", "facebook", "password"] {
        let mut session = enter(&app, door, "session").await;
        let mut jwt = enter(&app, door, "jwt").await;
        assert_eq!(cookie_value(&session, "latchkey_token"), None);
        assert_eq!(cookie_value(&jwt, "latchkey_session"), None);
        let token = cookie_value(&jwt, "latchkey_token").expect("a token");
        let url = app.url("/api/v1/me");
        let with_session = session.get(&url).await.expect(200);
        let with_cookie = jwt.get(&url).await.expect(200);
        let with_bearer = ApiClient::with(&app, &token).get("/api/v1/me").await.expect(200);
        assert_eq!(with_session.body, with_cookie.body, "{door}");
        assert_eq!(with_session.body, with_bearer.body, "{door}");
        let me = json_of(&with_session);
        let mut names: Vec<_> = me.as_object().expect("an object").keys().collect();
        names.sort();
        let all = ["created_at", "email", "email_verified", "id", "name", "roles"];
        assert_eq!(names, all, "{door}");
        let costs: Vec<_> = [&with_session, &with_cookie, &with_bearer].map(queries).into();
        assert_eq!(costs, [1, 0, 0], "{door}: queries for session, JWT cookie, Bearer");
    }
}

/// A response without the parts that depend on time or sign-in.
fn comparable(page: &Page) -> (u16, Option<String>, String) {
    let kind = page.header("content-type").map(str::to_owned);
    let id = page.header("x-request-id").expect("an id");
    let body = page.body.replace(id, "");
    let body = match page.url.path() {
        // These two show the current sign-in: only compare whether they show the user.
        "/" | "/account" => page.body.contains("Ada").to_string(),
        "/api/v1/sessions" => body.replace("\"current\":true", "\"current\":false"),
        path if path.starts_with("/api/") => body,
        // The page header names the credential.
        _ => body.split_once("<main").map_or(body.clone(), |(_, main)| main.to_owned()),
    };
    (page.status, kind, body)
}

#[tokio::test]
async fn pages_and_api_treat_session_and_jwt_equally() {
    let app = app().await;
    for door in ["google", "password"] {
        let mut session = enter(&app, door, "session").await;
        let mut jwt = enter(&app, door, "jwt").await;
        let mut bearer =
            ApiClient::with(&app, &cookie_value(&jwt, "latchkey_token").expect("a token"));
        let list = json_of(&session.get(&app.url("/api/v1/contacts")).await);
        let contact = list["items"][0]["id"].as_str().expect("a contact");
        for path in [
            "/",
            "/account",
            "/docs",
            "/errors",
            "/errors/not_found",
            "/sign-in",
            "/sign-up",
            "/nothing",
            "/api/v1/me",
            "/api/v1/calendar/events",
            "/api/v1/contacts",
            "/api/v1/contacts?limit=1",
            &format!("/api/v1/contacts/{contact}"),
            "/api/v1/contacts/nobody",
            "/api/v1/sessions",
            "/api/v1/admin/users",
            "/api/v1/nothing",
        ] {
            let url = app.url(path);
            let expected = comparable(&session.get(&url).await);
            assert!(expected.0 < 500, "{door}: {path}");
            assert_eq!(comparable(&jwt.get(&url).await), expected, "{door}: JWT cookie: {path}");
            // A bearer token is only for the API: pages check no scope.
            if path.starts_with("/api/") {
                assert_eq!(comparable(&bearer.get(path).await), expected, "{door}: Bearer: {path}");
            }
        }
    }
}

#[tokio::test]
async fn session_jwt_cookie_and_bearer_can_create_contacts() {
    let app = app().await;
    let mut session = enter(&app, "password", "session").await;
    let mut jwt = enter(&app, "password", "jwt").await;
    let token = cookie_value(&jwt, "latchkey_token").expect("a token");
    let json = ("content-type", "application/json");
    let same = ("sec-fetch-site", "same-origin");
    let bearer = format!("Bearer {token}");
    let mut program = Browser::new();
    for (name, browser, headers) in [
        ("session", &mut session, vec![json, same]),
        ("JWT cookie", &mut jwt, vec![json, same]),
        ("Bearer", &mut program, vec![json, ("authorization", bearer.as_str())]),
    ] {
        let body = serde_json::json!({ "name": name }).to_string();
        let url = app.url("/api/v1/contacts");
        let page = browser.send(Method::POST, &url, &headers, Some(body)).await;
        assert_eq!(page.status, 201, "{name}: {}", page.summary());
    }
    for (reader, browser, headers) in [
        ("session", &mut session, vec![]),
        ("JWT cookie", &mut jwt, vec![]),
        ("Bearer", &mut program, vec![("authorization", bearer.as_str())]),
    ] {
        let list = browser.send(Method::GET, &app.url("/api/v1/contacts"), &headers, None).await;
        for name in ["session", "JWT cookie", "Bearer"] {
            assert!(list.body.contains(&format!("\"{name}\"")), "{reader}, {name}: {}", list.body);
        }
    }
}

#[tokio::test]
async fn account_page_shows_sign_in_method_and_credential() {
    let app = app().await;
    for (door, name) in [("google", "Google"), ("password", "Password")] {
        let mut session = enter(&app, door, "session").await;
        let id = cookie_value(&session, "latchkey_session").expect("a session");
        let page = session.get(&app.url("/account")).await.expect(200);
        assert!(page.body.contains("Server session") && page.body.contains(name), "{door}");
        assert!(!page.body.contains(&id), "{door}: the session id is shown");
        let mut jwt = enter(&app, door, "jwt").await;
        let page = jwt.get(&app.url("/account")).await.expect(200);
        assert!(page.body.contains("<b>JWT</b>") && page.body.contains(name), "{door}");
        for claim in ["alg", "kid", "typ", "iss", "aud", "sub", "exp", "sid", "scope", "amr"] {
            assert!(page.body.contains(&format!("<code>{claim}</code>")), "{door}: {claim}");
        }
        for cookie in ["latchkey_token", "latchkey_refresh"] {
            let value = cookie_value(&jwt, cookie).expect("a cookie");
            assert!(!page.body.contains(&value), "{door}: {cookie} is shown whole");
        }
    }
}

#[tokio::test]
async fn bearer_token_takes_precedence_over_session_cookie() {
    let app = app().await;
    let mut browser = enter(&app, "google", "session").await;
    let me = browser.get(&app.url("/api/v1/me")).await.body;
    let token = accounts::tokens(&app, ADA, None).await.access;
    for (authorization, status) in
        [(format!("Bearer {token}"), 200), ("Bearer e30.e30.e30".into(), 401)]
    {
        let headers = [("authorization", authorization.as_str())];
        let page = browser.send(Method::GET, &app.url("/api/v1/me"), &headers, None).await;
        assert_eq!(page.status, status, "{}", page.summary());
        assert_ne!(page.body, me, "the cookie has answered");
    }
}

#[tokio::test]
async fn non_bearer_authorization_header_is_ignored() {
    let app = app().await;
    for key in ["session", "jwt"] {
        let mut browser = enter(&app, "password", key).await;
        for gate in ["Basic c2l0ZTpnYXRl", "Digest username=\"site\"", "Negotiate YII=", "ApiKey 1"]
        {
            let headers = [("authorization", gate), ("sec-fetch-site", "same-origin")];
            for path in ["/api/v1/me", "/account"] {
                let page = browser.send(Method::GET, &app.url(path), &headers, None).await;
                assert_eq!(page.status, 200, "{key} {gate} {path}: {}", page.summary());
            }
            // A refresh cookie alone gives no access, and does not allow cross-site requests.
            let page =
                Browser::new().send(Method::GET, &app.url("/api/v1/me"), &headers, None).await;
            assert_eq!(page.header("x-error-code"), Some("token_missing"), "{gate}");
            let cross = [("authorization", gate), ("sec-fetch-site", "cross-site")];
            let page = browser.send(Method::POST, &app.url("/api/v1/contacts"), &cross, None).await;
            assert_eq!(page.status, 403, "{gate}");
        }
        // Our own header decides, whatever else is sent.
        for refused in ["Bearer junk", "bearer", "Bearer "] {
            let headers = [("authorization", refused)];
            let page = browser.send(Method::GET, &app.url("/api/v1/me"), &headers, None).await;
            assert_eq!(page.status, 401, "{key} {refused:?}");
        }
    }
}
