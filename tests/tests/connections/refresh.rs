//! Refreshing an access token: one request does it, the others wait.

use std::sync::Arc;

use latchkey_domain::Span;
use latchkey_store::connections::lease::{Lease, take};
use latchkey_store::connections::{current, lease};
use latchkey_tests::accounts::instance;
use latchkey_tests::issuer::{Answer, Rotation, TOKEN, USERINFO};
use latchkey_tests::{Browser, Database, Issuer, Latchkey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use url::Url;

use crate::helpers::{
    advance_by_token_lifetime, connect, count, id_of, issuer, overview, profile, somebody, standing,
};

/// The number of concurrent requests.
const AT_ONCE: usize = 50;

/// Fifty requests of one user at two instances, when the token has expired.
async fn concurrent_requests_cause_one_token_refresh(database_url: &str) {
    let issuer = issuer(Rotation::Strict).await;
    // Both apps have the same frozen time.
    let here = instance(database_url).with_issuer(&issuer).start().await;
    let there = instance(database_url).with_issuer(&issuer).start().await;
    let mut browser = somebody(&here, "ada@example.test").await;
    // So short that it expires before it is used.
    issuer.token_response(|response| response["expires_in"] = json!(1));
    connect(&mut browser, &here, &issuer).await;
    let mut all = JoinSet::new();
    for n in 0..AT_ONCE {
        let app = if n % 2 == 0 { &here } else { &there };
        let url = app.url(crate::helpers::PROFILE);
        let mut browser = browser.clone();
        browser.jar.move_port(here.address.port(), app.address.port());
        all.spawn(async move { browser.get(&url).await });
    }
    while let Some(page) = all.join_next().await {
        let page = page.expect("no panic").expect(200);
        assert!(page.body.contains("Jane Doe"), "{}", page.summary());
    }
    assert_eq!(issuer.refreshes(), 1);
    assert_eq!(issuer.requests(USERINFO).len(), AT_ONCE + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_cause_one_token_refresh_on_sqlite() {
    concurrent_requests_cause_one_token_refresh(&Database::sqlite().await.url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/run"]
async fn concurrent_requests_cause_one_token_refresh_on_postgres() {
    concurrent_requests_cause_one_token_refresh(&Database::new_postgres_url().await).await;
}

async fn connected(rotation: Rotation) -> (Issuer, Latchkey, Browser) {
    let issuer = issuer(rotation).await;
    let app = standing(&issuer).await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    (issuer, app, browser)
}

#[tokio::test]
async fn only_expired_access_token_is_refreshed() {
    for rotation in [Rotation::Never, Rotation::Strict, Rotation::WithGrace] {
        let (issuer, app, mut browser) = connected(rotation).await;
        let _ = profile(&mut browser, &app).await.expect(200);
        assert_eq!(issuer.refreshes(), 0, "{rotation:?}");
        for times in 1..=3 {
            advance_by_token_lifetime(&app);
            let _ = profile(&mut browser, &app).await.expect(200);
            let _ = profile(&mut browser, &app).await.expect(200);
            assert_eq!(issuer.refreshes(), times, "{rotation:?}");
        }
        let used: Vec<_> = issuer.requests(USERINFO);
        let last = used.last().and_then(|request| request.header("authorization"));
        assert_eq!(last, Some("Bearer access-248289761001.3"));
        let page = overview(&mut browser, &app).await;
        assert!(page.body.contains("<dt>Last refreshed</dt><dd><time"), "{}", page.summary());
    }
}

#[tokio::test]
async fn access_token_is_refreshed_a_minute_before_expiry() {
    let (issuer, app, mut browser) = connected(Rotation::Strict).await;
    app.advance(Span::seconds(crate::helpers::LIFETIME - 61));
    let _ = profile(&mut browser, &app).await.expect(200);
    assert_eq!(issuer.refreshes(), 0);
    app.advance(Span::seconds(1));
    let _ = profile(&mut browser, &app).await.expect(200);
    assert_eq!(issuer.refreshes(), 1);
}

#[tokio::test]
async fn user_can_refresh_a_token_before_it_expires() {
    const REFRESH: &str = "/connections/acme/refresh";
    let (issuer, app, mut browser) = connected(Rotation::Strict).await;
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains(&format!("action=\"{REFRESH}\"")), "{}", page.summary());
    for times in 1..=2 {
        let page = browser.post(&app.url(REFRESH), &[]).await;
        let done = page.see_other();
        assert_eq!(done, "/connections?done=refreshed&at=acme#acme");
        assert_eq!(issuer.refreshes(), times);
        let page = browser.get(&app.url(&done)).await.expect(200);
        assert!(page.body.contains("Acme issued a new access token."), "{}", page.summary());
        assert!(page.body.contains("<dt>Last refreshed</dt><dd><time"), "{}", page.summary());
    }
    let _ = profile(&mut browser, &app).await.expect(200);
    let used: Vec<_> = issuer.requests(USERINFO);
    let last = used.last().and_then(|request| request.header("authorization"));
    assert_eq!(last, Some("Bearer access-248289761001.2"), "the new token is used");

    issuer.revoke_all_grants();
    let page = browser.post(&app.url(REFRESH), &[]).await;
    let _ = page.expect_error(409, "reconnect_needed");
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("<h3>Reconnect Acme</h3>") && !page.body.contains(REFRESH));
    let mut other = somebody(&app, "bob@example.test").await;
    let page = other.post(&app.url(REFRESH), &[]).await;
    let _ = page.expect_error(404, "not_connected");
}

#[tokio::test]
async fn token_without_refresh_token_stays_valid_if_user_asks_for_refresh() {
    let issuer = Issuer::start().await;
    let app = standing(&issuer).await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let page = browser.post(&app.url("/connections/acme/refresh"), &[]).await;
    assert!(page.expect_error(400, "bad_request").body.contains("gave no refresh token"));
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("/connections/acme/refresh"), "{}", page.summary());
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn revoked_grant_requires_reconnect_without_retry_loop() {
    let (issuer, app, mut browser) = connected(Rotation::Strict).await;
    issuer.revoke_all_grants();
    // The access token has not expired: the provider's 401 causes a refresh.
    let _ = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    let asked = issuer.all_requests().len();
    for _ in 0..5 {
        let page = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
        assert!(page.body.contains("was revoked or has expired"), "{}", page.summary());
    }
    assert_eq!(issuer.all_requests().len(), asked, "no loop");
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("<h3>Reconnect Acme</h3>"), "{}", page.summary());
    let noted = "SELECT COUNT(*) FROM audit_events WHERE kind = 'reconnect_needed'";
    assert_eq!(count(&app.app.db, noted).await, 1);
    connect(&mut browser, &app, &issuer).await;
    let _ = profile(&mut browser, &app).await.expect(200);
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("<h3>Reconnect Acme</h3>"));
}

#[tokio::test]
async fn expired_token_without_refresh_token_requires_reconnect() {
    let issuer = Issuer::start().await;
    let app = standing(&issuer).await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let _ = profile(&mut browser, &app).await.expect(200);
    advance_by_token_lifetime(&app);
    let page = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    assert!(page.body.contains("cannot be refreshed"), "{}", page.summary());
    assert_eq!(issuer.refreshes(), 0);
}

#[tokio::test]
async fn failed_refresh_keeps_the_connection() {
    let (issuer, app, mut browser) = connected(Rotation::Strict).await;
    advance_by_token_lifetime(&app);
    let says = |status, body: &str| Answer::Body(status, "application/json", body.to_owned());
    let (down, nonsense) = ("answered that it is unavailable", "sent an invalid response");
    for (answer, code, said) in [
        (Answer::html(503), "service_unavailable", down),
        (Answer::HangUp, "service_unavailable", "could not be reached"),
        (Answer::html(200), "service_unavailable", nonsense),
        (says(429, "{}"), "service_unavailable", down),
        (says(400, r#"{"error":"temporarily_unavailable"}"#), "service_unavailable", down),
        (
            says(401, r#"{"error":"invalid_client"}"#),
            "site_not_accepted",
            "does not accept this site’s",
        ),
    ] {
        issuer.respond_with(TOKEN, answer);
        let page = profile(&mut browser, &app).await.expect_error(502, code);
        assert!(page.body.contains(said), "{said}: {}", page.summary());
        let page = overview(&mut browser, &app).await;
        assert!(page.body.contains("The last request failed"), "{}", page.summary());
        assert!(page.body.contains("tag--good\">connected"), "{}", page.summary());
    }
    issuer.reset();
    let _ = profile(&mut browser, &app).await.expect(200);
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("The last request failed"));
}

/// A process that was killed during a refresh still holds the lease.
async fn killed(app: &Latchkey, browser: &mut Browser) {
    let user = id_of(browser, app).await;
    let stored = current(&app.app.db, user, "acme").await.expect("a row").expect("a connection");
    let (id, version, now) = (stored.connection.id, stored.version, app.clock.now());
    let dead = Lease { id, version, by: "a process that is no more" };
    let until = now.plus(Span::seconds(30));
    assert!(take(&app.app.db, dead, now, until).await.expect("a lease"));
    // Nobody else gets it meanwhile.
    let other = Lease { id, version, by: "another" };
    assert!(!lease::take(&app.app.db, other, now, until).await.expect("an answer"));
}

#[tokio::test]
async fn abandoned_refresh_lease_expires() {
    let (issuer, app, mut browser) = connected(Rotation::Strict).await;
    advance_by_token_lifetime(&app);
    killed(&app, &mut browser).await;
    let page = profile(&mut browser, &app).await.expect_error(503, "token_being_renewed");
    assert!(page.header("retry-after").is_some());
    assert_eq!(issuer.refreshes(), 0);
    app.advance(Span::seconds(30));
    let _ = profile(&mut browser, &app).await.expect(200);
    assert_eq!(issuer.refreshes(), 1);
}

/// The provider has rotated the token, but its response was never stored.
async fn after_lost_refresh_response(rotation: Rotation) -> (Issuer, Latchkey, Browser) {
    let (issuer, app, mut browser) = connected(rotation).await;
    advance_by_token_lifetime(&app);
    issuer.drop_next_response();
    let _ = profile(&mut browser, &app).await.expect_error(502, "service_unavailable");
    assert_eq!(issuer.refreshes(), 1);
    (issuer, app, browser)
}

#[tokio::test]
async fn lost_refresh_response_is_retried_within_grace_period() {
    let (issuer, app, mut browser) = after_lost_refresh_response(Rotation::WithGrace).await;
    let _ = profile(&mut browser, &app).await.expect(200);
    assert_eq!(issuer.refreshes(), 2);
    advance_by_token_lifetime(&app);
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn lost_refresh_response_without_grace_requires_reconnect() {
    let (issuer, app, mut browser) = after_lost_refresh_response(Rotation::Strict).await;
    let _ = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    let _ = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    assert_eq!(issuer.refreshes(), 2, "asked once more, and then the person is");
}

/// What the issuer answers to the first refresh.
fn renewed() -> Value {
    json!({
        "access_token": "access-248289761001.1", "refresh_token": "refresh-248289761001.1",
        "token_type": "Bearer", "expires_in": 3600,
    })
}

#[tokio::test]
async fn client_disconnect_does_not_lose_refreshed_token() {
    let (issuer, app, mut browser) = connected(Rotation::Strict).await;
    advance_by_token_lifetime(&app);
    let gate = Arc::new(Semaphore::new(0));
    issuer.respond_with(TOKEN, Answer::JsonHeld(Arc::clone(&gate), renewed()));
    let url = Url::parse(&app.url(crate::helpers::PROFILE)).expect("a URL");
    let cookies = browser.jar.header(&url).expect("cookies");
    let request =
        format!("GET {} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n", url.path());
    let mut leaving = TcpStream::connect(app.address).await.expect("a connection");
    leaving.write_all(request.as_bytes()).await.expect("sent");
    crate::helpers::until("a refresh", async || issuer.refreshes() == 1).await;
    // The app closes the connection without a response: it has noticed, and the provider has not
    // responded yet.
    leaving.shutdown().await.expect("closed");
    assert_eq!(leaving.read(&mut [0; 1]).await.expect("its end"), 0);
    gate.close();
    let _ = profile(&mut browser, &app).await.expect(200);
    assert_eq!(issuer.refreshes(), 1);
    let used = issuer.requests(USERINFO).pop().expect("a request");
    assert_eq!(used.header("authorization"), Some("Bearer access-248289761001.1"));
}

#[tokio::test]
async fn refreshed_token_is_stored_during_shutdown() {
    let issuer = issuer(Rotation::Strict).await;
    let database = Database::sqlite().await;
    let app = instance(&database.url).with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    issuer.token_response(|response| response["expires_in"] = json!(1));
    connect(&mut browser, &app, &issuer).await;
    issuer.respond_with(TOKEN, Answer::JsonAfter(std::time::Duration::from_secs(2), renewed()));
    let mut leaving = browser.clone();
    let url = app.url(crate::helpers::PROFILE);
    let request = tokio::spawn(async move { leaving.get(&url).await });
    crate::helpers::until("a refresh", async || issuer.refreshes() == 1).await;
    // The clients have disconnected, and the app is restarted.
    request.abort();
    let _ = app.stop().await;
    let refreshed = "SELECT COUNT(*) FROM connections WHERE refreshed_at IS NOT NULL";
    assert_eq!(count(&database.db, refreshed).await, 1);
}

#[tokio::test]
async fn scope_removed_by_refresh_is_no_longer_used() {
    let (issuer, app, mut browser) = connected(Rotation::Never).await;
    advance_by_token_lifetime(&app);
    let renewed = json!({
        "access_token": "access-248289761001.1", "token_type": "Bearer", "expires_in": 3600,
        "scope": "email",
    });
    issuer.respond_with(TOKEN, Answer::Json(renewed));
    let asked = issuer.requests(USERINFO).len();
    let _ = profile(&mut browser, &app).await.expect_error(403, "not_granted");
    assert_eq!(issuer.requests(USERINFO).len(), asked);
}
