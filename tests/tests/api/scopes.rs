//! Each route with each scope and role.

use latchkey_domain::{Role, Roles, Span};
use latchkey_store::users;
use latchkey_tests::accounts;
use latchkey_tests::accounts::{
    ApiClient, Tokens, expect_problem, json_of, sign_up, sign_up_client, tokens,
};
use latchkey_tests::jws;
use latchkey_tests::{Latchkey, Setup};
use reqwest::Method;
use serde_json::json;

const ADA: &str = "ada@example.test";
const SCOPES: [&str; 4] = ["profile", "calendar:read", "contacts:read", "contacts:write"];

#[tokio::test]
async fn each_api_route_requires_and_reports_one_scope() {
    let app = Latchkey::start().await;
    let (mut all, _) = sign_up_client(&app, ADA).await;
    let nobody = "0190abcd-0000-7000-8000-00000000000f";
    for scope in SCOPES {
        let mut program = ApiClient::with(&app, &tokens(&app, ADA, Some(scope)).await.access);
        let made = json_of(&all.post("/api/v1/contacts", json!({ "name": "x" })).await);
        let contact = format!("/api/v1/contacts/{}", made["id"].as_str().expect("an id"));
        let wish = || Some(json!({ "name": "y" }));
        for (method, path, body, needed, status) in [
            (Method::GET, "/api/v1/me", None, "profile", 200),
            (Method::GET, "/api/v1/sessions", None, "profile", 200),
            (Method::DELETE, &*format!("/api/v1/sessions/{nobody}"), None, "profile", 404),
            (Method::GET, "/api/v1/calendar/events", None, "calendar:read", 200),
            (Method::GET, "/api/v1/contacts", None, "contacts:read", 200),
            (Method::GET, &contact, None, "contacts:read", 200),
            (Method::POST, "/api/v1/contacts", wish(), "contacts:write", 201),
            (Method::PUT, &contact, wish(), "contacts:write", 200),
            (Method::DELETE, &contact, None, "contacts:write", 204),
        ] {
            let page = program.call(method.clone(), path, body).await;
            if needed == scope {
                assert_eq!(page.status, status, "{scope}: {method} {path}: {}", page.summary());
                continue;
            }
            let said = expect_problem(&page, 403, "insufficient_scope");
            let challenge = page.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
            assert!(challenge.contains(&format!("scope=\"{needed}\"")), "{challenge}");
            assert!(said["detail"].as_str().is_some_and(|text| text.contains(needed)), "{said}");
        }
    }
}

#[tokio::test]
async fn granted_scope_equals_requested_scope() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let everything = "profile calendar:read contacts:read contacts:write";
    for (asked, granted) in [
        (None, everything),
        (Some("profile"), "profile"),
        (Some("contacts:read profile"), "profile contacts:read"),
        (Some("profile profile"), "profile"),
        (Some(everything), everything),
    ] {
        let tokens = tokens(&app, ADA, asked).await;
        assert_eq!(tokens.scope, granted, "{asked:?}");
        assert_eq!(jws::decode(&tokens.access).1["scope"], granted, "{asked:?}");
    }
}

#[tokio::test]
async fn user_list_requires_admin_role() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut ada, first) = sign_up_client(&app, ADA).await;
    let people = "/api/v1/admin/users";
    let refused = ada.get(people).await;
    expect_problem(&refused, 403, "role_required");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    expect_problem(&ApiClient::new(&app).get(people).await, 401, "token_missing");

    let id = json_of(&ada.get("/api/v1/me").await)["id"].as_str().expect("an id").to_owned();
    let admin: Roles = [Role::admin()].into_iter().collect();
    users::set_roles(&app.app.db, id.parse().expect("an id"), &admin).await.expect("a role");
    // A JWT has the roles at its issue; its successor has the new ones.
    expect_problem(&ada.get(people).await, 403, "role_required");
    let next = Tokens::of(&ApiClient::new(&app).refresh(&first.refresh).await);
    ada.token = Some(next.access);
    for n in 0..5 {
        app.advance(Span::seconds(1));
        sign_up(&app, &format!("person{n}@example.test")).await;
    }
    let list = json_of(&ada.get(people).await.expect(200));
    assert_eq!(list["items"].as_array().map(Vec::len), Some(6));
    assert_eq!(list["next"], json!(null));
    assert_eq!(list["items"][0], json_of(&ada.get("/api/v1/me").await));
    for secret in ["password", "hash", "argon2"] {
        assert!(!list.to_string().contains(secret), "{list}");
    }
    let first = json_of(&ada.get(&format!("{people}?limit=4")).await);
    let next = first["next"].as_str().expect("a next page");
    let rest = json_of(&ada.get(&format!("{people}?limit=4&cursor={next}")).await);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2));
    // The role is not enough without the scope.
    let narrow = tokens(&app, ADA, Some("contacts:read")).await;
    let page = ApiClient::with(&app, &narrow.access).get(people).await;
    expect_problem(&page, 403, "insufficient_scope");
    // A session has the current roles, in both directions.
    let mut browser = accounts::signed_in(&app, ADA, "session").await;
    assert_eq!(browser.get(&app.url(people)).await.status, 200);
    users::set_roles(&app.app.db, id.parse().expect("an id"), &Roles::default())
        .await
        .expect("none");
    expect_problem(&browser.get(&app.url(people)).await, 403, "role_required");
}
