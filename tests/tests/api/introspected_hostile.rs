//! A broken, slow or hostile introspection endpoint: tokens are refused, nothing hangs, and other
//! requests continue.

use std::sync::Arc;
use std::time::Duration;

use latchkey_domain::Span;
use latchkey_tests::accounts::{ApiClient, expect_problem, json_of, sign_up_client, signed_in};
use latchkey_tests::issuer::{Answer, INTROSPECT};
use latchkey_tests::{Issuer, Latchkey, Page, Setup};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ADA: &str = "ada@example.test";

/// Longer than any of this takes on a slow machine.
const BOUND: Duration = Duration::from_secs(30);

async fn app() -> (Latchkey, Issuer, ApiClient, Value) {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_introspection(&issuer).with_frozen_clock().start().await;
    let (mut ada, _) = sign_up_client(&app, ADA).await;
    let id = json_of(&ada.get("/api/v1/me").await)["id"].clone();
    let good = json!({
        "active": true, "sub": id, "aud": app.url("/api"), "client_id": "printer",
        "scope": "profile calendar:read contacts:read contacts:write",
    });
    (app, issuer, ada, good)
}

/// Sends a new token.
async fn show(app: &Latchkey, n: usize) -> Page {
    let mut program = ApiClient::with(app, &format!("token-{n}"));
    let page = tokio::time::timeout(BOUND, program.get("/api/v1/me")).await.expect("an answer");
    assert!(!page.body.contains(&format!("token-{n}")), "the token is repeated: {}", page.body);
    page
}

#[track_caller]
fn unavailable(page: &Page) {
    expect_problem(page, 503, "introspection_unavailable");
    let after = page.header("retry-after").and_then(|after| after.parse::<u32>().ok());
    assert!(after.is_some_and(|after| (1..=60).contains(&after)), "{:?}", page.headers);
    assert_eq!(page.header("www-authenticate"), None);
}

#[tokio::test]
async fn unusable_introspection_response_returns_503() {
    let (app, issuer, mut jwt, good) = app().await;
    let mut session = signed_in(&app, ADA, "session").await;
    let text = good.to_string();
    let json = |status, body: &str| Answer::Body(status, "application/json", body.to_owned());
    for (n, answer) in [
        json(201, &text),
        json(204, ""),
        json(400, &text),
        json(401, &text),
        json(403, &text),
        json(404, &text),
        json(429, &text),
        json(500, &text),
        json(503, &text),
        json(200, ""),
        json(200, "[]"),
        json(200, "true"),
        json(200, "\"active\""),
        json(200, &format!("{text}{text}")),
        json(200, &text[..text.len() - 1]),
        json(200, &text.replacen('{', r#"{"active":false,"#, 1)),
        json(200, &format!("{{\"a\":{}}}", "[".repeat(100_000))),
        Answer::html(200),
        Answer::Redirect(307, format!("{}/elsewhere", issuer.url)),
        Answer::Redirect(302, app.url("/api/v1/me")),
        Answer::Endless,
        Answer::Truncated,
        Answer::HugeHead,
    ]
    .into_iter()
    .enumerate()
    {
        issuer.respond_with(INTROSPECT, answer.clone());
        unavailable(&show(&app, n).await);
        // After a failure, the circuit breaker is open for a second.
        app.advance(Span::seconds(1));
        let _ = session.get(&app.url("/api/v1/me")).await.expect(200);
        let _ = jwt.get("/api/v1/me").await.expect(200);
    }
    assert!(issuer.requests("/elsewhere").is_empty(), "a redirect was followed");
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    let _ = show(&app, 1000).await.expect(200);
}

#[tokio::test]
async fn invalid_introspection_claims_reject_the_token() {
    let (app, issuer, _, good) = app().await;
    for (n, (change, code)) in [
        (json!({ "active": false }), "token_inactive"),
        (json!({ "active": "true" }), "token_inactive"),
        (json!({ "active": 1 }), "token_inactive"),
        (json!({ "active": null }), "token_inactive"),
        (json!({ "sub": null }), "token_inactive"),
        (json!({ "sub": "" }), "token_inactive"),
        (json!({ "sub": 7 }), "token_inactive"),
        (json!({ "sub": [good["sub"]] }), "token_inactive"),
        (json!({ "sub": "x".repeat(256) }), "token_inactive"),
        (json!({ "aud": { "a": good["aud"] } }), "token_inactive"),
        (json!({ "scope": ["profile"] }), "token_inactive"),
        (json!({ "token_type": "DPoP" }), "token_inactive"),
        (json!({ "exp": "2999-01-01" }), "token_inactive"),
        (json!({ "exp": 0 }), "token_expired"),
        (json!({ "nbf": 9_999_999_999_i64 }), "token_not_yet_valid"),
        (json!({ "aud": "x" }), "token_audience_wrong"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = latchkey_tests::jws::with_changes(&good, json!({}));
        let mut answer = answer;
        for (name, value) in change.as_object().expect("an object") {
            answer[name] = value.clone();
        }
        issuer.respond_with(INTROSPECT, Answer::Json(answer));
        let page = show(&app, n).await;
        expect_problem(&page, 401, code);
        let challenge = page.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"invalid_token\""), "{change}: {challenge}");
    }
}

#[tokio::test]
async fn introspection_timeout_opens_the_circuit_breaker() {
    let (app, issuer, mut jwt, good) = app().await;
    let mut session = signed_in(&app, ADA, "session").await;
    for (n, answer) in [Answer::Silence, Answer::Drip, Answer::DripHead].into_iter().enumerate() {
        let before = issuer.requests(INTROSPECT).len();
        issuer.respond_with(INTROSPECT, answer);
        unavailable(&show(&app, 10 * n).await);
        // For a second the endpoint is not called: the response is immediate.
        for m in 1..5 {
            unavailable(&show(&app, 10 * n + m).await);
        }
        assert_eq!(issuer.requests(INTROSPECT).len(), before + 1);
        let _ = session.get(&app.url("/api/v1/me")).await.expect(200);
        let _ = jwt.get("/api/v1/me").await.expect(200);
        app.advance(Span::seconds(1));
    }
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    let _ = show(&app, 1000).await.expect(200);
    let _ = show(&app, 1001).await.expect(200);
}

#[tokio::test]
async fn introspection_outage_affects_only_opaque_tokens() {
    let (app, issuer, mut jwt, good) = app().await;
    let mut session = signed_in(&app, ADA, "session").await;
    issuer.respond_with(INTROSPECT, Answer::Json(good.clone()));
    let _ = show(&app, 1).await.expect(200);
    let port = url::Url::parse(&issuer.url).expect("a URL").port().expect("a port");
    drop(issuer);
    // A cached response is used until it expires.
    app.advance(Span::seconds(4));
    let _ = show(&app, 1).await.expect(200);
    app.advance(Span::seconds(1));
    unavailable(&show(&app, 1).await);
    unavailable(&show(&app, 2).await);
    for _ in 0..3 {
        let _ = session.get(&app.url("/api/v1/contacts")).await.expect(200);
        let _ = jwt.get("/api/v1/contacts").await.expect(200);
    }
    assert_eq!(session.get(&app.url("/account")).await.status, 200);
    // It is back, and is called again automatically.
    app.advance(Span::seconds(1));
    let issuer = Issuer::start_on(port).await;
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    let _ = show(&app, 1).await.expect(200);
}

#[tokio::test]
async fn invalid_opaque_tokens_do_not_block_valid_tokens() {
    let (app, issuer, mut jwt, good) = app().await;
    let app = Arc::new(app);
    issuer.respond_with(INTROSPECT, Answer::Json(good.clone()));
    let _ = show(&app, 0).await.expect(200);
    let gate = Arc::new(Semaphore::new(0));
    let inactive = json!({ "active": false });
    issuer.respond_with(INTROSPECT, Answer::JsonHeld(Arc::clone(&gate), inactive));
    let mut flood = JoinSet::new();
    for n in 1..=150 {
        let app = Arc::clone(&app);
        flood.spawn(async move { show(&app, n).await });
    }
    // The endpoint has as many requests as it gets at once, or the first have timed out already.
    let asked = || issuer.requests(INTROSPECT).len() - 1;
    let mut pages = Vec::new();
    while asked() < 64 && pages.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        pages.extend(flood.try_join_next());
    }
    // Meanwhile, a valid token with a cached response, and our own JWTs are accepted.
    for _ in 0..20 {
        let _ = show(&app, 0).await.expect(200);
        let _ = jwt.get("/api/v1/me").await.expect(200);
    }
    assert!(asked() <= 64, "{} at once", asked());
    gate.close();
    while let Some(page) = flood.join_next().await {
        pages.push(page);
    }
    for page in pages {
        let page = page.expect("no panic");
        match page.status {
            401 => _ = expect_problem(&page, 401, "token_inactive"),
            _ => unavailable(&page),
        }
    }
    // After a second, the circuit breaker is closed again, whatever happened.
    app.advance(Span::seconds(1));
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    let _ = show(&app, 1000).await.expect(200);
}
