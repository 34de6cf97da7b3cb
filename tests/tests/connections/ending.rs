//! Disconnecting: revoked at the provider and deleted here, even if the provider is down.

use latchkey_domain::Span;
use latchkey_tests::accounts::{instance, signed_in};
use latchkey_tests::issuer::{Answer, DISCOVERY, REVOKE, Rotation, SUBJECT};
use latchkey_tests::{Browser, Database, Issuer, Latchkey, Setup};

use crate::helpers::{
    connect, count, disconnect, issuer, make_revocation_due, overview, profile, somebody, standing,
    start_sign_in, until,
};

/// How often revocation is tried at an unavailable provider.
const TRIES: &str = "SELECT COALESCE(MAX(tries), 0) FROM connections";

const ROWS: &str = "SELECT COUNT(*) FROM connections";

#[tokio::test]
async fn disconnect_revokes_tokens_and_deletes_connection() {
    let issuer = issuer(Rotation::Strict).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    assert!(issuer.accepts_access_token_of(SUBJECT));
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnected");
    assert!(!issuer.accepts_access_token_of(SUBJECT));
    assert_eq!(count(&app.app.db, ROWS).await, 0);
    // RFC 7009 §2.1: both tokens, with client authentication.
    let requests = issuer.requests(REVOKE);
    let field = |n: usize, name: &str| requests[n].field(name).unwrap_or_default();
    assert_eq!(field(0, "token"), "refresh-248289761001.0");
    assert_eq!(field(0, "token_type_hint"), "refresh_token");
    assert_eq!(field(1, "token"), "access-248289761001");
    assert_eq!(field(1, "token_type_hint"), "access_token");
    assert!(requests.iter().all(|request| request.header("authorization").is_some()));
    let _ = profile(&mut browser, &app).await.expect_error(404, "not_connected");
    let again = browser.post(&app.url("/connections/acme/disconnect"), &[]).await;
    let _ = again.expect_error(404, "not_connected");
    // It is stored, and can be connected again.
    let noted = "SELECT COUNT(*) FROM audit_events WHERE kind IN ('connected', 'disconnected')";
    assert_eq!(count(&app.app.db, noted).await, 2);
    connect(&mut browser, &app, &issuer).await;
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn invalid_token_or_empty_200_counts_as_revoked() {
    for answer in [
        Answer::Body(400, "application/json", r#"{"error":"invalid_token"}"#.to_owned()),
        Answer::Body(200, "text/plain", String::new()),
    ] {
        let issuer = issuer(Rotation::Strict).await;
        let app = Setup::new().with_issuer(&issuer).start().await;
        let mut browser = somebody(&app, "ada@example.test").await;
        connect(&mut browser, &app, &issuer).await;
        issuer.respond_with(REVOKE, answer);
        assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnected");
        assert_eq!(count(&app.app.db, ROWS).await, 0);
    }
}

#[tokio::test]
async fn failed_revocation_is_not_reported_as_disconnected() {
    for (code, said, rows) in
        [("unsupported_token_type", "forgotten", 0), ("invalid_grant", "disconnecting", 1)]
    {
        let issuer = issuer(Rotation::Strict).await;
        let app = Setup::new().with_issuer(&issuer).start().await;
        let mut browser = somebody(&app, "ada@example.test").await;
        connect(&mut browser, &app, &issuer).await;
        let body = serde_json::json!({ "error": code }).to_string();
        issuer.respond_with(REVOKE, Answer::Body(400, "application/json", body));
        assert_eq!(disconnect(&mut browser, &app, "acme").await, said, "{code}");
        assert_eq!(count(&app.app.db, ROWS).await, rows, "{code}");
    }
}

#[tokio::test]
async fn hanging_revocation_delays_neither_shutdown_nor_other_issuers() {
    let (hangs, works) = (issuer(Rotation::Strict).await, issuer(Rotation::Strict).await);
    let database = Database::sqlite().await;
    let setup = instance(&database.url).with_issuer(&hangs);
    let setup = setup
        .set("OIDC_OTHER_ISSUER", &works.url)
        .set("OIDC_OTHER_CLIENT_ID", works.client_id())
        .set("OIDC_OTHER_CLIENT_SECRET", works.client_secret());
    let app = setup.start().await;
    hangs.respond_with(REVOKE, Answer::Silence);
    for n in 0..3 {
        let mut browser = somebody(&app, &format!("ada{n}@example.test")).await;
        if n < 2 {
            connect(&mut browser, &app, &hangs).await;
        } else {
            let authorize = start_sign_in(&mut browser, &app, "other", &["profile"]).await;
            let _ = browser.follow_callback(&works.approve(&authorize)).await.see_other();
        }
        let page = browser.post(&app.url("/account/delete"), &[("confirm", "delete")]).await;
        assert_eq!(page.see_other(), "/");
    }
    until("the revocation at the other", async || !works.accepts_access_token_of(SUBJECT)).await;
    // It is stored a moment after the request.
    until("the end of it", async || count(&database.db, ROWS).await == 2).await;
    until("a question that hangs", async || !hangs.requests(REVOKE).is_empty()).await;
    let (rows, hung) = (count(&database.db, ROWS).await, hangs.requests(REVOKE).len());
    let _ = app.stop().await;
    // Dropped without waiting: otherwise it would have been stored.
    assert_eq!((rows, hung), (2, 1));
    assert_eq!(hangs.requests(REVOKE).len(), 1);
    assert_eq!(count(&database.db, TRIES).await, 0);
}

#[tokio::test]
async fn tokens_are_sent_only_to_the_issuing_provider() {
    let (first, second) = (issuer(Rotation::Never).await, issuer(Rotation::Never).await);
    let database = Database::sqlite().await;
    let start = async |issuer: &Issuer| instance(&database.url).with_issuer(issuer).start().await;
    let app = start(&first).await;
    let mut browser = somebody(&app, "ada@example.test").await;
    first.token_response(|response| response["expires_in"] = serde_json::json!(1));
    connect(&mut browser, &app, &first).await;
    let _ = app.stop().await;

    // In the settings, that name now means another provider.
    let app = start(&second).await;
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    let page = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    assert!(page.body.contains("a different address"), "{}", page.summary());
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("<h3>Reconnect Acme</h3>"), "{}", page.summary());
    let _ = app.stop().await;

    // And the first one again: nothing was lost.
    let app = start(&first).await;
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("<h3>Reconnect Acme</h3>"), "{}", page.summary());
    let _ = profile(&mut browser, &app).await.expect(200);
    let _ = app.stop().await;

    // Disconnected at the wrong provider, it waits, and does not prevent a new connection.
    let app = start(&second).await;
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    until("a try", async || count(&database.db, TRIES).await > 0).await;
    connect(&mut browser, &app, &second).await;
    let _ = app.stop().await;
    assert!(second.requests(REVOKE).is_empty());
    assert_eq!(second.refreshes(), 0);
    assert!(first.accepts_access_token_of(SUBJECT));
    make_revocation_due(&database).await;
    let app = start(&first).await;
    until("the revocation", async || count(&app.app.db, ROWS).await == 1).await;
    assert!(!first.accepts_access_token_of(SUBJECT));
}

#[tokio::test]
async fn connection_to_removed_provider_can_be_disconnected() {
    let issuer = issuer(Rotation::Never).await;
    let database = Database::sqlite().await;
    let app = instance(&database.url).with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let _ = app.stop().await;

    let app = instance(&database.url).start().await;
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("/connections/acme/disconnect"), "{}", page.summary());
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    let page = browser.get(&app.url("/connections?done=disconnecting&at=acme")).await.expect(200);
    assert!(page.body.contains("acme is no longer used"), "{}", page.summary());
    assert!(!page.body.contains("/connections/acme/disconnect"), "{}", page.summary());
    // A connection of another user is not found, as always.
    let page = browser.post(&app.url("/connections/nobody/disconnect"), &[]).await;
    let _ = page.expect_error(404, "unknown_provider");
    let _ = app.stop().await;

    let app = instance(&database.url).with_issuer(&issuer).start().await;
    until("the revocation", async || count(&app.app.db, ROWS).await == 0).await;
    assert!(!issuer.accepts_access_token_of(SUBJECT));
}

#[tokio::test]
async fn missing_revocation_endpoint_is_reported() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "forgotten");
    assert_eq!(count(&app.app.db, ROWS).await, 0);
    let page = browser.get(&app.url("/connections?done=forgotten&at=acme")).await.expect(200);
    assert!(page.body.contains("be revoked from here"), "{}", page.summary());
}

#[tokio::test]
async fn revocation_is_retried_until_provider_recovers() {
    let issuer = issuer(Rotation::Strict).await;
    let app = standing(&issuer).await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    issuer.respond_with(REVOKE, Answer::html(503));
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("Disconnecting since"), "{}", page.summary());
    assert!(page.body.contains("is unavailable"), "{}", page.summary());
    // It cannot be used any more, nor connected again before it is revoked.
    let _ = profile(&mut browser, &app).await.expect_error(404, "not_connected");
    let over = browser.post(&app.url("/connections/acme"), &[("profile", "yes")]).await;
    let _ = over.expect_error(409, "still_disconnecting");
    // Not before it is due.
    assert_eq!(count(&app.app.db, TRIES).await, 2);
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(issuer.requests(REVOKE).len(), 2);
    app.advance(Span::minutes(2));
    until("another try", async || count(&app.app.db, TRIES).await == 3).await;
    assert!(issuer.accepts_access_token_of(SUBJECT));
    issuer.reset();
    app.advance(Span::minutes(10));
    until("the revocation", async || count(&app.app.db, ROWS).await == 0).await;
    assert!(!issuer.accepts_access_token_of(SUBJECT));
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("Disconnecting since"));
}

#[tokio::test]
async fn revocation_is_retried_after_restart() {
    let issuer = issuer(Rotation::Strict).await;
    let database = Database::sqlite().await;
    let start = async || instance(&database.url).with_issuer(&issuer).start().await;
    let app = start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    issuer.respond_with(REVOKE, Answer::html(503));
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    let _ = app.stop().await;
    issuer.reset();
    make_revocation_due(&database).await;
    let app = start().await;
    until("the revocation", async || count(&app.app.db, ROWS).await == 0).await;
    assert!(!issuer.accepts_access_token_of(SUBJECT));
}

async fn account_deletion_revokes_connections(app: &Latchkey, issuer: &Issuer) {
    let mut browser = somebody(app, "ada@example.test").await;
    connect(&mut browser, app, issuer).await;
    issuer.respond_with(REVOKE, Answer::HangUp);
    let page = browser.post(&app.url("/account/delete"), &[("confirm", "delete")]).await;
    assert_eq!(page.see_other(), "/");
    // Encrypted tokens, and nothing about the user.
    let personal = "SELECT COUNT(*) FROM connections WHERE user_id IS NOT NULL \
        OR subject <> '' OR name <> '' OR email IS NOT NULL OR granted <> ''";
    assert_eq!(count(&app.app.db, personal).await, 0);
    assert_eq!(count(&app.app.db, ROWS).await, 1);
    until("a try", async || count(&app.app.db, TRIES).await == 1).await;
    assert_eq!(count(&app.app.db, ROWS).await, 1);
    issuer.reset();
    app.advance(Span::minutes(10));
    until("the revocation", async || count(&app.app.db, ROWS).await == 0).await;
    assert!(!issuer.accepts_access_token_of(SUBJECT));
}

#[tokio::test]
async fn account_deletion_revokes_connections_on_sqlite() {
    let issuer = issuer(Rotation::Strict).await;
    let app = standing(&issuer).await;
    account_deletion_revokes_connections(&app, &issuer).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn account_deletion_revokes_connections_on_postgres() {
    let issuer = issuer(Rotation::Strict).await;
    let url = Database::new_postgres_url().await;
    let setup = Setup::new().with_issuer(&issuer).set("DATABASE_URL", url);
    let app = setup.with_frozen_clock().start().await;
    account_deletion_revokes_connections(&app, &issuer).await;
}

#[tokio::test]
async fn provider_outage_keeps_users_signed_in() {
    let issuer = issuer(Rotation::Strict).await;
    let app = standing(&issuer).await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let _ = browser.follow_callback(&issuer.approve(&authorize)).await.see_other();
    connect(&mut browser, &app, &issuer).await;
    // The same result as before, but the account is gone.
    drop(issuer);
    assert!(browser.account(&app).await.is_some());
    let page = profile(&mut browser, &app).await;
    let _ = page.expect_error(502, "service_unavailable");
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("Acme could not be reached"), "{}", page.summary());
    crate::helpers::advance_by_token_lifetime(&app);
    let _ = profile(&mut browser, &app).await.expect_error(502, "service_unavailable");
    assert!(browser.account(&app).await.is_some());
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    assert!(browser.account(&app).await.is_some());
}

#[tokio::test]
async fn revocation_waits_when_discovery_fails() {
    let issuer = issuer(Rotation::Strict).await;
    let database = Database::sqlite().await;
    let app = instance(&database.url).with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let _ = app.stop().await;
    // A new process has no metadata of the issuer, which is down.
    issuer.respond_with(DISCOVERY, Answer::html(503));
    let app = instance(&database.url).with_issuer(&issuer).start().await;
    let mut browser = latchkey_tests::accounts::signed_in(&app, "ada@example.test", "jwt").await;
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    assert_eq!(count(&app.app.db, ROWS).await, 1);
}
