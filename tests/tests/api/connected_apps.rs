//! Other apps with access to the API: listed and revoked on `/connections`.

use latchkey_tests::accounts::{ApiClient, expect_problem};
use latchkey_tests::issuer::{Answer, INTROSPECT, SUBJECT};
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};
use serde_json::{Value, json};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const LIST: &str = "/authorizations";

/// An app, its issuer, and Jane, who signed in with it.
async fn app() -> (Latchkey, Issuer, Browser) {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_introspection(&issuer).with_issuer(&issuer);
    let app = setup.with_frozen_clock().start().await;
    let jane = come_in(&app, &issuer, SUBJECT).await;
    let place = format!("{}{LIST}", issuer.url);
    let metadata = json!({ "issuer": issuer.url, "authorizations_endpoint": place });
    issuer.respond_with(METADATA, Answer::Json(metadata));
    (app, issuer, jane)
}

async fn come_in(app: &Latchkey, issuer: &Issuer, subject: &str) -> Browser {
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(app, "acme").await;
    let _ = browser.follow_callback(&issuer.approve_as(&authorize, subject)).await.expect(303);
    browser
}

fn printer() -> Value {
    json!({ "authorizations": [{
        "id": "7/7", "client_id": "printer", "client_name": "Calendar <b>Printer",
        "scope": "openid calendar:read", "created_at": 1_800_000_000, "last_used_at": null,
    }]})
}

async fn section(browser: &mut Browser, app: &Latchkey) -> String {
    let page = browser.get(&app.url("/connections")).await.expect(200);
    let (_, rest) = page.body.split_once("id=\"apps\"").expect("the section");
    rest.split("</section>").next().expect("its end").to_owned()
}

async fn end(browser: &mut Browser, app: &Latchkey, id: &str) -> Page {
    browser.post(&app.url("/connections/apps/end"), &[("id", id)]).await
}

#[tokio::test]
async fn revoking_connected_app_takes_effect_immediately() {
    let (app, issuer, mut jane) = app().await;
    issuer.respond_with(LIST, Answer::Json(printer()));
    let found = section(&mut jane, &app).await;
    assert!(found.contains("Read your calendar"), "{found}");
    assert!(found.contains("Calendar &#60;b&#62;Printer"), "{found}");
    let asked = issuer.requests(LIST).remove(0);
    assert_eq!(asked.query, format!("sub={SUBJECT}"), "only one's own are asked for");
    assert!(asked.header("authorization").is_some_and(|value| value.starts_with("Basic ")));

    // Cached responses about its token are dropped.
    let good =
        json!({ "active": true, "sub": SUBJECT, "aud": app.url("/api"), "scope": "profile" });
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    let mut program = ApiClient::with(&app, "opaque");
    let _ = program.get("/api/v1/me").await.expect(200);
    issuer.respond_with(INTROSPECT, Answer::Json(json!({ "active": false })));
    let _ = program.get("/api/v1/me").await.expect(200);
    issuer.respond_with("/authorizations/7%2F7", Answer::Body(204, "text/plain", String::new()));
    let page = end(&mut jane, &app, "7/7").await;
    assert_eq!(page.see_other(), "/connections?done=ended#apps");
    let deleted = issuer.requests("/authorizations/7%2F7").remove(0);
    assert_eq!(deleted.method, "DELETE");
    assert!(deleted.header("authorization").is_some_and(|value| value.starts_with("Basic ")));
    expect_problem(&program.get("/api/v1/me").await, 401, "token_inactive");
    let page = jane.get(&app.url("/connections?done=ended")).await.expect(200);
    assert!(page.body.contains("Access revoked"), "{}", page.summary());
    let trail = jane.get(&app.url("/account")).await.expect(200);
    assert!(trail.body.contains("Revoked an app’s access"), "{}", trail.summary());
}

#[tokio::test]
async fn only_apps_listed_for_the_user_are_revocable() {
    let (app, issuer, mut jane) = app().await;
    issuer.respond_with(LIST, Answer::Json(printer()));
    for id in ["8", "", "7", "../7/7", "7/7 "] {
        let _ = end(&mut jane, &app, id).await.expect_error(404, "not_found");
    }
    assert!(issuer.all_requests().iter().all(|request| request.method != "DELETE"));
    // Nothing is listed or revoked without a sign-in.
    let mut nobody = Browser::new();
    let _ = end(&mut nobody, &app, "7/7").await.expect_error(401, "sign_in_required");
    // Another user has another subject.
    let mut other = come_in(&app, &issuer, "another").await;
    let _ = section(&mut other, &app).await;
    let queries: Vec<_> = issuer.requests(LIST).into_iter().map(|request| request.query).collect();
    assert_eq!(queries.last().map(String::as_str), Some("sub=another"));
}

#[tokio::test]
async fn connections_page_survives_authorization_server_failure() {
    let (app, issuer, mut jane) = app().await;
    for answer in [
        Answer::html(200),
        Answer::html(500),
        Answer::html(401),
        Answer::Json(json!({ "authorizations": [{ "client_name": "without an id" }] })),
        Answer::HangUp,
        Answer::Silence,
    ] {
        issuer.respond_with(LIST, answer);
        let found = section(&mut jane, &app).await;
        assert!(found.contains("unavailable right now"), "{found}");
        let page = end(&mut jane, &app, "7/7").await;
        let page = page.expect_error(503, "access_not_ended");
        assert!(page.header("retry-after").is_some());
        app.advance(latchkey_domain::Span::seconds(1));
    }
    issuer.respond_with(LIST, Answer::Json(json!({ "authorizations": [] })));
    assert!(section(&mut jane, &app).await.contains("None."));
    // The access is unchanged if its revocation is not confirmed.
    issuer.respond_with(LIST, Answer::Json(printer()));
    issuer.respond_with("/authorizations/7%2F7", Answer::html(500));
    let _ = end(&mut jane, &app, "7/7").await.expect_error(503, "access_not_ended");
    // Revoking it again succeeds.
    issuer.respond_with("/authorizations/7%2F7", Answer::html(404));
    assert_eq!(end(&mut jane, &app, "7/7").await.status, 303);
}

#[tokio::test]
async fn introspection_and_app_list_fail_independently() {
    let (app, issuer, mut jane) = app().await;
    let good =
        json!({ "active": true, "sub": SUBJECT, "aud": app.url("/api"), "scope": "profile" });
    let of_printer = |found: String| found.contains("Calendar &#60;b&#62;Printer");
    issuer.respond_with(INTROSPECT, Answer::HangUp);
    issuer.respond_with(LIST, Answer::Json(printer()));
    let page = ApiClient::with(&app, "one").get("/api/v1/me").await;
    expect_problem(&page, 503, "introspection_unavailable");
    assert!(of_printer(section(&mut jane, &app).await), "nothing is listed");

    app.advance(latchkey_domain::Span::seconds(1));
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    issuer.respond_with(LIST, Answer::HangUp);
    assert!(!of_printer(section(&mut jane, &app).await));
    let _ = ApiClient::with(&app, "two").get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn connected_app_requests_are_rate_limited() {
    let (app, issuer, mut jane) = app().await;
    issuer.respond_with(LIST, Answer::Json(printer()));
    let mut refused = None;
    for _ in 0..=60 {
        let page = end(&mut jane, &app, "8").await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
    }
    let page = refused.expect("a limit").expect_error(429, "too_many_tries");
    assert!(page.header("retry-after").is_some());
    let before = issuer.requests(LIST).len();
    assert!(section(&mut jane, &app).await.contains("unavailable right now"));
    assert_eq!(issuer.requests(LIST).len(), before, "asked all the same");
}

#[tokio::test]
async fn connections_page_explains_why_apps_cannot_be_listed() {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_introspection(&issuer).with_issuer(&issuer);
    let app = setup.with_frozen_clock().start().await;
    let mut jane = come_in(&app, &issuer, SUBJECT).await;
    // Its metadata has no list, or one of another server.
    let found = section(&mut jane, &app).await;
    assert!(found.contains("Latchkey cannot read it"), "{found}");
    assert!(issuer.requests(LIST).is_empty());

    let none = Setup::new().set("LOCAL_IDP", "off").with_issuer(&issuer).start().await;
    let mut jane = come_in(&none, &issuer, SUBJECT).await;
    assert!(section(&mut jane, &none).await.contains("does not accept tokens from other apps"));
}
