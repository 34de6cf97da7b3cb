//! Providers with invalid responses to API calls, or none.

use latchkey_tests::issuer::{Answer, Rotation, USERINFO};
use latchkey_tests::{Browser, Issuer, Latchkey, Setup};
use serde_json::json;

use crate::helpers::{connect, issuer, overview, profile, somebody};

async fn connected() -> (Issuer, Latchkey, Browser) {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    (issuer, app, browser)
}

#[tokio::test]
async fn malformed_api_response_shows_an_error_page() {
    let (issuer, app, mut browser) = connected().await;
    for answer in [
        Answer::html(200),
        Answer::html(302),
        Answer::html(404),
        Answer::html(500),
        Answer::html(503),
        Answer::raw(""),
        Answer::raw("null"),
        Answer::raw("[]"),
        Answer::raw("{\"sub\":7}"),
        Answer::raw("{\"sub\":\"somebody-else\",\"name\":\"Eve\"}"),
        Answer::raw("[".repeat(100_000)),
        Answer::HangUp,
        Answer::Truncated,
        Answer::Endless,
        Answer::HugeHead,
        Answer::Redirect(302, "http://127.0.0.1:1/".to_owned()),
    ] {
        issuer.respond_with(USERINFO, answer.clone());
        let page = profile(&mut browser, &app).await;
        assert_eq!(page.header("x-error-code"), Some("service_unavailable"), "{answer:.60?}");
        assert_eq!(page.status, 502);
        assert!(page.body.contains("/connections#acme"), "{}", page.summary());
    }
    issuer.reset();
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn slow_api_response_times_out() {
    let (issuer, app, mut browser) = connected().await;
    for answer in [Answer::Silence, Answer::Drip] {
        issuer.respond_with(USERINFO, answer);
        let _ = profile(&mut browser, &app).await.expect_error(504, "service_timeout");
        let page = overview(&mut browser, &app).await;
        assert!(page.body.contains("Acme did not answer in time"), "{}", page.summary());
    }
}

#[tokio::test]
async fn profile_text_from_provider_is_escaped() {
    let (issuer, app, mut browser) = connected().await;
    let text = "<script>alert(1)</script>\u{202e}\0\r\nSet-Cookie: x=1\u{1b}[31m";
    issuer.userinfo(move |profile| {
        profile["name"] = json!(text);
        profile["locale"] = json!("y".repeat(1_000));
    });
    let page = profile(&mut browser, &app).await.expect(200);
    assert!(page.body.contains("&#60;script&#62;alert(1)"), "{}", page.summary());
    for bad in ["<script>alert", "\u{202e}", "\0", "\u{1b}"] {
        assert!(!page.body.contains(bad), "{bad:?}");
    }
    assert!(!page.body.contains(&"y".repeat(121)));
}

#[tokio::test]
async fn ungranted_scope_is_not_used() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    // The provider's response decides what was granted, not the request.
    issuer.token_response(|response| response["scope"] = json!("email"));
    connect(&mut browser, &app, &issuer).await;
    let asked = issuer.requests(USERINFO).len();
    let _ = profile(&mut browser, &app).await.expect_error(403, "not_granted");
    assert_eq!(issuer.requests(USERINFO).len(), asked, "refused before any call");
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("not granted"), "{}", page.summary());
}

#[tokio::test]
async fn connection_requests_are_rate_limited() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).with_frozen_clock().start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    let mut last = None;
    for _ in 0..61 {
        last = Some(profile(&mut browser, &app).await);
    }
    let last = last.expect("a page").expect_error(429, "too_many_tries");
    assert!(last.header("retry-after").is_some());
    app.advance(latchkey_domain::Span::seconds(2));
    let _ = profile(&mut browser, &app).await.expect_error(404, "not_connected");
}
