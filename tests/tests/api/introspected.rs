//! Opaque tokens of other apps: scope, user and lifetime.

use std::time::Duration;

use latchkey_domain::{Role, Roles, Span};
use latchkey_store::users;
use latchkey_tests::accounts::{
    ApiClient, cookie_value, expect_problem, json_of, queries, sign_up_client, signed_in, tokens,
};
use latchkey_tests::issuer::{Answer, INTROSPECT, SUBJECT};
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const ADA: &str = "ada@example.test";
const EVERYTHING: &str = "profile calendar:read contacts:read contacts:write";

/// An app whose issuer introspects tokens, and Ada's id.
async fn app(cache: &str) -> (Latchkey, Issuer, String) {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_introspection(&issuer).set("OAUTH_INTROSPECTION_CACHE", cache);
    let app = setup.with_frozen_clock().start().await;
    let (mut ada, _) = sign_up_client(&app, ADA).await;
    let id = json_of(&ada.get("/api/v1/me").await)["id"].as_str().expect("an id").to_owned();
    (app, issuer, id)
}

/// The introspection response for a valid token.
fn active(app: &Latchkey, subject: &str, scope: &str) -> Value {
    json!({
        "active": true, "sub": subject, "aud": app.url("/api"), "scope": scope,
        "client_id": "printer", "exp": app.clock.now().as_seconds() + 3600,
    })
}

/// An API client with an opaque token, for which the issuer responds like this.
fn program(app: &Latchkey, issuer: &Issuer, answer: Value) -> ApiClient {
    issuer.respond_with(INTROSPECT, Answer::Json(answer));
    ApiClient::with(app, "2YotnFZFEjr1zCsicMWpAA")
}

fn calls(issuer: &Issuer) -> usize {
    issuer.requests(INTROSPECT).len()
}

/// The number of introspection calls in `Server-Timing`.
#[track_caller]
fn told_calls(page: &Page) -> Option<String> {
    let timing = page.header("server-timing").expect("Server-Timing");
    let (_, after) = timing.split_once("introspection;")?;
    let (_, after) = after.split_once("desc=\"").expect("a description");
    after.split('"').next().map(str::to_owned)
}

#[tokio::test]
async fn opaque_token_gets_the_same_me_response() {
    let (app, issuer, id) = app("5s").await;
    let mut session = signed_in(&app, ADA, "session").await;
    let mut jwt = signed_in(&app, ADA, "jwt").await;
    let url = app.url("/api/v1/me");
    let bearer = tokens(&app, ADA, None).await.access;
    let mut opaque = program(&app, &issuer, active(&app, &id, EVERYTHING));
    let pages = [
        session.get(&url).await.expect(200),
        jwt.get(&url).await.expect(200),
        ApiClient::with(&app, &bearer).get("/api/v1/me").await.expect(200),
        opaque.get("/api/v1/me").await.expect(200),
        opaque.get("/api/v1/me").await.expect(200),
    ];
    for page in &pages {
        assert_eq!(page.body, pages[0].body, "{}", page.request);
    }
    let cost: Vec<_> = pages.iter().map(|page| (queries(page), told_calls(page))).collect();
    let said = |calls: &str| Some(calls.to_owned());
    assert_eq!(
        cost,
        [(1, None), (0, None), (0, None), (1, said("1 call")), (0, said("0 calls"))],
        "queries and calls for session, JWT cookie, Bearer, opaque, opaque again"
    );
    assert_eq!(calls(&issuer), 1);
}

#[tokio::test]
async fn introspection_request_follows_rfc_7662() {
    let (app, issuer, id) = app("5s").await;
    let mut opaque = program(&app, &issuer, active(&app, &id, EVERYTHING));
    let _ = opaque.get("/api/v1/me").await.expect(200);
    let asked = issuer.requests(INTROSPECT).remove(0);
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.query, "", "a token in a URL ends up in logs");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.field("token").as_deref(), Some("2YotnFZFEjr1zCsicMWpAA"));
    assert_eq!(asked.field("token_type_hint").as_deref(), Some("access_token"));
    // RFC 6749 §2.3.1: form-encoded, then joined.
    let pair = latchkey_tests::jws::basic_auth("acme+client%3A1", "s3cret%2B%26%25%2F%C3%A9+word");
    assert_eq!(asked.header("authorization"), Some(pair.as_str()));
}

#[tokio::test]
async fn opaque_token_is_limited_to_granted_scope() {
    let (app, issuer, id) = app("0").await;
    let (mut all, _) = (ApiClient::with(&app, &tokens(&app, ADA, None).await.access), ());
    let nobody = "0190abcd-0000-7000-8000-00000000000f";
    for scope in EVERYTHING.split(' ') {
        let made = json_of(&all.post("/api/v1/contacts", json!({ "name": "x" })).await);
        let contact = format!("/api/v1/contacts/{}", made["id"].as_str().expect("an id"));
        let wish = || Some(json!({ "name": "y" }));
        let granted = format!("openid {scope} everything");
        let mut opaque = program(&app, &issuer, active(&app, &id, &granted));
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
            let page = opaque.call(method.clone(), path, body).await;
            if needed == scope {
                assert_eq!(page.status, status, "{scope}: {method} {path}: {}", page.summary());
                continue;
            }
            expect_problem(&page, 403, "insufficient_scope");
            let challenge = page.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains(&format!("scope=\"{needed}\"")), "{challenge}");
        }
    }
}

#[tokio::test]
async fn uncached_token_is_refused_immediately_after_revocation() {
    let (app, issuer, id) = app("0").await;
    let mut opaque = program(&app, &issuer, active(&app, &id, "profile"));
    for n in 1..=3 {
        let page = opaque.get("/api/v1/me").await.expect(200);
        assert_eq!((queries(&page), told_calls(&page)), (1, Some("1 call".to_owned())));
        assert_eq!(calls(&issuer), n);
    }
    issuer.respond_with(INTROSPECT, Answer::Json(json!({ "active": false })));
    let page = opaque.get("/api/v1/me").await;
    expect_problem(&page, 401, "token_inactive");
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
}

#[tokio::test]
async fn revoked_token_is_refused_when_cache_entry_expires() {
    let (app, issuer, id) = app("5s").await;
    let mut opaque = program(&app, &issuer, active(&app, &id, "profile"));
    let _ = opaque.get("/api/v1/me").await.expect(200);
    issuer.respond_with(INTROSPECT, Answer::Json(json!({ "active": false })));
    app.advance(Span::millis(4999));
    let _ = opaque.get("/api/v1/me").await.expect(200);
    assert_eq!(calls(&issuer), 1);
    app.advance(Span::millis(1));
    expect_problem(&opaque.get("/api/v1/me").await, 401, "token_inactive");
    // A refusal is cached for one second.
    issuer.respond_with(INTROSPECT, Answer::Json(active(&app, &id, "profile")));
    app.advance(Span::millis(999));
    expect_problem(&opaque.get("/api/v1/me").await, 401, "token_inactive");
    assert_eq!(calls(&issuer), 2);
    app.advance(Span::millis(1));
    let _ = opaque.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn opaque_token_is_refused_after_exp_despite_cache() {
    let (app, issuer, id) = app("5s").await;
    let mut answer = active(&app, &id, "profile");
    answer["exp"] = json!(app.clock.now().as_seconds() + 2);
    let mut opaque = program(&app, &issuer, answer);
    let _ = opaque.get("/api/v1/me").await.expect(200);
    app.advance(Span::seconds(2));
    // The issuer's clock is behind, and it says the same again.
    expect_problem(&opaque.get("/api/v1/me").await, 401, "token_expired");
}

#[tokio::test]
async fn opaque_token_for_another_audience_is_refused() {
    let (app, issuer, id) = app("0").await;
    for audience in [
        json!("https://other.example.com/api"),
        json!([app.origin, app.url("/api/"), app.url("/api/v1")]),
        json!(null),
        json!("printer"),
    ] {
        let mut answer = active(&app, &id, EVERYTHING);
        answer["aud"] = audience;
        let mut opaque = program(&app, &issuer, answer);
        expect_problem(&opaque.get("/api/v1/me").await, 401, "token_audience_wrong");
    }
    let mut answer = active(&app, &id, EVERYTHING);
    answer["aud"] = json!(["https://other.example.com/api", app.url("/api")]);
    let _ = program(&app, &issuer, answer).get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn introspected_subject_must_be_linked_to_an_account() {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_introspection(&issuer).with_issuer(&issuer);
    let app = setup.set("OAUTH_INTROSPECTION_CACHE", "0").with_frozen_clock().start().await;
    // The user has no account yet, and none is created for an app.
    let mut opaque = program(&app, &issuer, active(&app, SUBJECT, EVERYTHING));
    let page = opaque.get("/api/v1/me").await;
    expect_problem(&page, 403, "account_unknown");
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(!challenge.contains("error"), "{challenge}");
    assert_eq!(latchkey_tests::database::rows(&app.app.db, "users").await, 0);

    let mut jane = Browser::new();
    let authorize = jane.start_sign_in(&app, "acme").await;
    let _ = jane.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    let me = jane.get(&app.url("/api/v1/me")).await.expect(200).body;
    // Without `iss`, the issuer of the introspected endpoint applies.
    assert_eq!(opaque.get("/api/v1/me").await.expect(200).body, me);
    for (iss, status) in [(issuer.url.as_str(), 200), ("https://other.test", 403)] {
        let mut answer = active(&app, SUBJECT, EVERYTHING);
        answer["iss"] = json!(iss);
        let page = program(&app, &issuer, answer).get("/api/v1/me").await;
        assert_eq!(page.status, status, "{iss}: {}", page.summary());
    }
    let stranger = active(&app, "another", EVERYTHING);
    expect_problem(
        &program(&app, &issuer, stranger).get("/api/v1/me").await,
        403,
        "account_unknown",
    );
}

#[tokio::test]
async fn introspection_response_of_another_issuer_is_refused() {
    let issuer = Issuer::start().await;
    let app = Setup::new()
        .with_introspection(&issuer)
        .set("OAUTH_INTROSPECTION_ISSUER", "https://as.example.com")
        .start()
        .await;
    let mut answer = active(&app, SUBJECT, EVERYTHING);
    answer["iss"] = json!(issuer.url);
    let page = program(&app, &issuer, answer).get("/api/v1/me").await;
    expect_problem(&page, 401, "token_issuer_wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_share_one_introspection_call() {
    let (app, issuer, id) = app("5s").await;
    let answer = active(&app, &id, "profile");
    issuer.respond_with(INTROSPECT, Answer::JsonAfter(Duration::from_millis(300), answer));
    let mut all = JoinSet::new();
    for _ in 0..200 {
        let mut opaque = ApiClient::with(&app, "2YotnFZFEjr1zCsicMWpAA");
        all.spawn(async move { opaque.get("/api/v1/me").await.status });
    }
    assert_eq!(all.join_all().await, vec![200; 200]);
    assert_eq!(calls(&issuer), 1);
}

#[tokio::test]
async fn account_deletion_invalidates_cached_opaque_tokens() {
    let (app, issuer, id) = app("5s").await;
    let mut opaque = program(&app, &issuer, active(&app, &id, EVERYTHING));
    let _ = opaque.get("/api/v1/me").await.expect(200);
    let mut ada = signed_in(&app, ADA, "session").await;
    let page = ada.post(&app.url("/account/delete"), &[("confirm", "delete")]).await;
    assert_eq!(page.see_other(), "/");
    for path in ["/api/v1/me", "/api/v1/contacts"] {
        expect_problem(&opaque.get(path).await, 403, "account_unknown");
    }
}

#[tokio::test]
async fn opaque_token_shows_roles_without_admin_access() {
    let (app, issuer, id) = app("5s").await;
    let mut opaque = program(&app, &issuer, active(&app, &id, EVERYTHING));
    let roles = |page: &Page| json_of(page)["roles"].clone();
    assert_eq!(roles(&opaque.get("/api/v1/me").await), json!([]));
    let admin: Roles = [Role::admin()].into_iter().collect();
    users::set_roles(&app.app.db, id.parse().expect("an id"), &admin).await.expect("a role");
    // A change takes effect when the cached response expires.
    assert_eq!(roles(&opaque.get("/api/v1/me").await), json!([]));
    app.advance(Span::seconds(5));
    assert_eq!(roles(&opaque.get("/api/v1/me").await), json!(["admin"]));
    // A user's role is not passed on to an app.
    let page = opaque.get("/api/v1/admin/users").await;
    let said = expect_problem(&page, 403, "role_required");
    assert!(said["detail"].as_str().is_some_and(|text| text.contains("apps")), "{said}");
    let mut ada = signed_in(&app, ADA, "session").await;
    assert_eq!(ada.get(&app.url("/api/v1/admin/users")).await.status, 200);
}

#[tokio::test]
async fn opaque_token_is_not_treated_as_sign_in() {
    let (app, issuer, id) = app("5s").await;
    let ada = signed_in(&app, ADA, "session").await;
    let mut opaque = program(&app, &issuer, active(&app, &id, EVERYTHING));
    let list = json_of(&opaque.get("/api/v1/sessions").await.expect(200));
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 2, "Ada's own: {list}");
    assert!(items.iter().all(|one| one["current"] == false), "{list}");
    let page = opaque.get("/account").await;
    assert_eq!((page.status, page.header("x-error-code")), (401, Some("sign_in_required")));
    assert!(!opaque.get("/").await.body.contains("Ada"));

    // With `profile` it may end a sign-in; the audit trail names the app.
    for one in items {
        let path = format!("/api/v1/sessions/{}", one["id"].as_str().expect("an id"));
        let _ = opaque.delete(&path).await.expect(204);
    }
    let mut ada = ada;
    expect_problem(&ada.get(&app.url("/api/v1/me")).await, 401, "token_missing");
    let trail = signed_in(&app, ADA, "session").await.get(&app.url("/account")).await;
    assert!(trail.body.contains("through the app printer"), "{}", trail.summary());
}

#[tokio::test]
async fn jwts_and_malformed_tokens_are_not_introspected() {
    let (app, issuer, id) = app("0").await;
    let mut jwt = signed_in(&app, ADA, "jwt").await;
    let token = cookie_value(&jwt, "latchkey_token").expect("a token");
    issuer.respond_with(INTROSPECT, Answer::Json(active(&app, &id, EVERYTHING)));
    for own in [token.clone(), format!("{token}="), format!("{token}x"), format!("{token}.a.b")] {
        let _ = ApiClient::with(&app, &own).get("/api/v1/me").await;
    }
    for odd in ["a b", "a\"b", "=", "\u{e9}"] {
        expect_problem(&ApiClient::with(&app, odd).get("/api/v1/me").await, 401, "token_malformed");
    }
    expect_problem(
        &ApiClient::with(&app, &"a".repeat(20_000)).get("/api/v1/me").await,
        401,
        "token_too_large",
    );
    assert_eq!(calls(&issuer), 0, "nobody is asked about a JWT, or about what is no token");
    // In a URL it is refused, valid or not.
    expect_problem(
        &ApiClient::new(&app).get("/api/v1/me?access_token=opaque").await,
        400,
        "token_in_url",
    );
    assert_eq!(calls(&issuer), 0);
    // A valid cookie does not make up for an invalid token in the header.
    issuer.respond_with(INTROSPECT, Answer::Json(json!({ "active": false })));
    let headers = [("authorization", "Bearer opaque")];
    let page = jwt.send(Method::GET, &app.url("/api/v1/me"), &headers, None).await;
    expect_problem(&page, 401, "token_inactive");
}
