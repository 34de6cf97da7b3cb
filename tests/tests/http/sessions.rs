//! Server sessions from sign-in to expiry.

use axum::extract::FromRequestParts as _;
use latchkey_domain::Span;
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Database, Latchkey, Setup, number};
use latchkey_web::caller::{ApiCaller, Caller};
use reqwest::Method;

/// A browser with only this session cookie.
fn with_session(app: &Latchkey, id: &str) -> Browser {
    let mut browser = Browser::new();
    browser.jar.set("localhost", &app.cookie("latchkey_session"), id);
    browser
}

#[tokio::test]
async fn sign_out_ends_the_session_on_the_server() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let mut other = Browser::new();
    other.sign_in_with(&app, "google", "ada").await;
    let old = browser.session(&app).expect("a session");
    assert_eq!(browser.post(&app.url("/sign-out"), &[]).await.see_other(), "/");
    assert_eq!(browser.session(&app), None);
    assert_eq!(with_session(&app, &old).account(&app).await, None);
    // Another device stays signed in.
    assert!(other.account(&app).await.is_some());
    // Signing out twice is fine.
    assert_eq!(browser.post(&app.url("/sign-out"), &[]).await.see_other(), "/");
}

#[tokio::test]
async fn get_request_does_not_sign_out() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    for method in [Method::GET, Method::HEAD] {
        let page = browser.send(method, &app.url("/sign-out"), &[], None).await;
        assert_eq!(page.status, 405);
    }
    assert!(browser.account(&app).await.is_some());
}

#[tokio::test]
async fn sign_in_replaces_a_planted_session_id() {
    let app = Latchkey::start().await;
    // Well-formed, but never issued.
    let planted = "AAECAwQFBgcICQoLDA0ODw";
    let mut victim = with_session(&app, planted);
    victim.sign_in_with(&app, "google", "ada").await;
    assert_ne!(victim.session(&app).as_deref(), Some(planted));
    assert_eq!(with_session(&app, planted).account(&app).await, None);
}

#[tokio::test]
async fn repeated_sign_in_replaces_the_old_session() {
    let app = Latchkey::start().await;
    for (first, second) in [("ada", "ada"), ("ada", "grace")] {
        let mut browser = Browser::new();
        browser.sign_in_with(&app, "google", first).await;
        let old = browser.session(&app).expect("a session");
        browser.sign_in_with(&app, "google", second).await;
        assert_ne!(browser.session(&app).as_ref(), Some(&old));
        assert_eq!(with_session(&app, &old).account(&app).await, None, "{first}, then {second}");
    }
}

#[tokio::test]
async fn failed_sign_in_keeps_the_current_session() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let ada = browser.sign_in_with(&app, "google", "ada").await;
    let old = browser.session(&app);
    let authorize = browser.start_sign_in(&app, "google").await;
    let back = browser.decide(&authorize, &[("decision", "decline")]).await;
    let _ = browser.follow_callback(&back).await.expect_error(400, "provider_declined");
    assert_eq!(browser.session(&app), old);
    assert_eq!(browser.account(&app).await, Some(ada));
}

/// Waits until the last use is recorded in the background.
async fn noted(app: &Latchkey) {
    const SEEN: &str = "SELECT MAX(last_seen_at) FROM sign_ins";
    for _ in 0..200 {
        if number(&app.app.db, SEEN).await == app.clock.now().as_millis() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the visit was never noted");
}

#[tokio::test]
async fn session_expires_after_idle_timeout() {
    let app = Setup::new()
        .set("SESSION_IDLE_TTL", "1h")
        .set("SESSION_TTL", "12h")
        .with_frozen_clock()
        .start()
        .await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "github", "ada").await;
    for _ in 0..3 {
        app.advance(Span::minutes(59));
        assert!(browser.account(&app).await.is_some(), "it was used an hour ago at most");
        noted(&app).await;
    }
    app.advance(Span::minutes(60));
    assert_eq!(browser.account(&app).await, None);
}

#[tokio::test]
async fn active_session_expires_at_absolute_limit() {
    let app = Setup::new()
        .set("SESSION_IDLE_TTL", "1h")
        .set("SESSION_TTL", "3h")
        .with_frozen_clock()
        .start()
        .await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "github", "ada").await;
    for _ in 0..5 {
        app.advance(Span::minutes(30));
        assert!(browser.account(&app).await.is_some());
        noted(&app).await;
    }
    app.advance(Span::minutes(30));
    assert_eq!(browser.account(&app).await, None);
}

#[tokio::test]
async fn sessions_and_attempts_survive_a_restart() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let before = browser.sign_in_with(&app, "google", "ada").await;
    let waiting = browser.start_sign_in(&app, "google").await;
    let before_port = app.address.port();
    let folder = app.stop().await;
    let app = Setup::in_folder(folder).start().await;
    browser.jar.move_port(before_port, app.address.port());
    assert_eq!(browser.account(&app).await, Some(before));
    // The pending attempt is still recognized as one of this app.
    let state = latchkey_tests::oauth_flow::parameter(&waiting, "state");
    let callback = format!(
        "{}?error=access_denied&state={state}&iss={}/google",
        app.callback("google"),
        app.idp
    );
    let page = browser.get(&callback).await;
    assert_eq!(page.header("x-error-code"), Some("provider_declined"), "{}", page.summary());
}

#[tokio::test]
async fn anonymous_visit_creates_no_session_or_rows() {
    let app = Latchkey::start().await;
    let mut visitor = Browser::new();
    for path in ["/", "/sign-in", "/account", "/errors", "/errors/not_found", "/nothing", "/readyz"]
    {
        let page = visitor.get(&app.url(path)).await;
        assert!(page.cookies().is_empty(), "{path}: {:?}", page.cookies());
    }
    for provider in ["google", "github", "facebook"] {
        let authorize = visitor.start_sign_in(&app, provider).await;
        let back = visitor.decide(&authorize, &[("decision", "decline")]).await;
        let _ = visitor.follow_callback(&back).await.expect_error(400, "provider_declined");
        let _ = visitor.get(&app.callback(provider)).await.expect_error(400, "attempt_unknown");
    }
    visitor.post(&app.url("/sign-out"), &[]).await;
    assert_eq!(visitor.session(&app), None);
    for table in ["users", "identities", "sign_ins"] {
        assert_eq!(rows(&app.app.db, table).await, 0, "{table}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn two_instances_share_sessions_on_postgres() {
    let url = Database::new_postgres_url().await;
    let setup =
        || Setup::new().set("DATABASE_URL", &url).set("APP_SECRET", "one-secret-for-both").start();
    // They start at the same time and run the migrations together.
    let (one, two) = tokio::join!(setup(), setup());
    let mut browser = Browser::new();
    let ada = browser.sign_in_with(&one, "google", "ada").await;
    browser.jar.move_port(one.address.port(), two.address.port());
    assert_eq!(browser.account(&two).await, Some(ada));
    let mut copy = browser.clone();
    browser.post(&two.url("/sign-out"), &[]).await;
    copy.jar.move_port(two.address.port(), one.address.port());
    assert_eq!(copy.account(&one).await, None);
}

/// Large futures that are rarely needed are boxed: otherwise every request would move tens of
/// kilobytes.
#[tokio::test]
async fn caller_extractor_futures_stay_small() {
    let app = Latchkey::start().await;
    let (mut parts, ()) = axum::http::Request::new(()).into_parts();
    let api = size_of_val(&ApiCaller::from_request_parts(&mut parts, &app.app));
    let page = size_of_val(&Caller::from_request_parts(&mut parts, &app.app));
    assert!(api.max(page) <= 4096, "bytes: {api} for the API, {page} for pages");
}
