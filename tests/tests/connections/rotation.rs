//! `APP_SECRET` rotation: tokens are encrypted again, or users are told.

use latchkey_store::connections::current;
use latchkey_tests::issuer::{Answer, REVOKE, Rotation, SUBJECT};
use latchkey_tests::{Browser, Database, Setup};

use crate::helpers::{
    connect, count, disconnect, id_of, issuer, make_revocation_due, overview, profile, somebody,
    until,
};

const FIRST: &str = "the-first-secret-of-this-very-site";
const SECOND: &str = "the-second-secret-of-this-very-site";

async fn app_secret_rotation_reencrypts_tokens(url: &str) {
    let issuer = issuer(Rotation::Never).await;
    let setup = |secret: &str| {
        Setup::new().set("DATABASE_URL", url).with_issuer(&issuer).set("APP_SECRET", secret)
    };
    let app = setup(FIRST).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let user = id_of(&mut browser, &app).await;
    let before = current(&app.app.db, user, "acme").await.expect("a row").expect("a connection");
    let _ = app.stop().await;

    let app = setup(&format!("{SECOND},{FIRST}")).start().await;
    let current_key = app.app.settings.app_secret.key_id();
    assert_ne!(before.tokens.key_id, current_key);
    until("sealing anew", async || {
        let now = current(&app.app.db, user, "acme").await.expect("a row").expect("a connection");
        now.tokens.key_id == current_key && now.tokens.access != before.tokens.access
    })
    .await;
    let _ = app.stop().await;

    // The first secret is no longer needed.
    let app = setup(SECOND).start().await;
    let mut browser = sign_in_after_restart(&mut browser, &app).await;
    let _ = profile(&mut browser, &app).await.expect(200);
    let _ = app.stop().await;

    // Without either secret, the user is told, and nothing is sent.
    let app = setup("a-third-secret-that-opens-nothing-here").start().await;
    let mut browser = sign_in_after_restart(&mut browser, &app).await;
    let asked = issuer.all_requests().len();
    let page = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    assert!(page.body.contains("APP_SECRET was changed"), "{}", page.summary());
    assert_eq!(issuer.all_requests().len(), asked);
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("<h3>Reconnect Acme</h3>"), "{}", page.summary());
    // A connection that cannot be decrypted can be disconnected.
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "unreadable");
    let page = browser.get(&app.url("/connections?done=unreadable&at=acme")).await.expect(200);
    assert!(page.body.contains("not be revoked at Acme"), "{}", page.summary());
    assert_eq!(count(&app.app.db, "SELECT COUNT(*) FROM connections").await, 0);
}

/// A new sign-in after a restart on another port.
async fn sign_in_after_restart(_: &mut Browser, app: &latchkey_tests::Latchkey) -> Browser {
    latchkey_tests::accounts::signed_in(app, "ada@example.test", "session").await
}

#[tokio::test]
async fn app_secret_rotation_reencrypts_tokens_on_sqlite() {
    let database = Database::sqlite().await;
    app_secret_rotation_reencrypts_tokens(&database.url).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn app_secret_rotation_reencrypts_tokens_on_postgres() {
    app_secret_rotation_reencrypts_tokens(&Database::new_postgres_url().await).await;
}

#[tokio::test]
async fn wrong_app_secret_keeps_the_connection() {
    let issuer = issuer(Rotation::Never).await;
    let database = Database::sqlite().await;
    let setup = |secret: &str| {
        let setup = Setup::new().set("DATABASE_URL", &database.url).with_issuer(&issuer);
        setup.set("APP_SECRET", secret)
    };
    let app = setup(FIRST).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let _ = app.stop().await;

    // With the wrong secret, the user is told, and the connection is kept.
    let app = setup(SECOND).start().await;
    let mut browser = sign_in_after_restart(&mut browser, &app).await;
    let _ = profile(&mut browser, &app).await.expect_error(409, "reconnect_needed");
    let _ = app.stop().await;

    // With the right secret, it works again.
    let app = setup(FIRST).start().await;
    let mut browser = sign_in_after_restart(&mut browser, &app).await;
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("<h3>Reconnect Acme</h3>"), "{}", page.summary());
    let _ = profile(&mut browser, &app).await.expect(200);
    issuer.respond_with(REVOKE, Answer::html(503));
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    let _ = app.stop().await;
    issuer.reset();

    // With the wrong secret during a revocation: it waits.
    make_revocation_due(&database).await;
    let tries = "SELECT MAX(tries) FROM connections";
    let before = count(&database.db, tries).await;
    let asked = issuer.requests(REVOKE).len();
    let app = setup(SECOND).start().await;
    until("a try", async || count(&database.db, tries).await != before).await;
    assert_eq!(issuer.requests(REVOKE).len(), asked);
    let _ = app.stop().await;
    make_revocation_due(&database).await;
    let app = setup(FIRST).start().await;
    let rows = "SELECT COUNT(*) FROM connections";
    until("the revocation", async || count(&app.app.db, rows).await == 0).await;
    assert!(!issuer.accepts_access_token_of(SUBJECT));
}

#[tokio::test]
async fn encrypted_token_cannot_be_moved_to_another_row() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut ada = somebody(&app, "ada@example.test").await;
    connect(&mut ada, &app, &issuer).await;
    let mut eve = somebody(&app, "eve@example.test").await;
    let authorize = crate::helpers::start_sign_in(&mut eve, &app, "acme", &["profile"]).await;
    let _ = eve.follow_callback(&issuer.approve_as(&authorize, "eve")).await.see_other();
    // An attacker with write access to the database gives Eve Ada's tokens.
    let swap = "UPDATE connections SET (access_token, refresh_token) = \
        (SELECT access_token, refresh_token FROM connections o WHERE o.id < connections.id) \
        WHERE id = (SELECT MAX(id) FROM connections)";
    assert_eq!(latchkey_tests::execute(&app.app.db, swap).await, 1);
    let page = profile(&mut eve, &app).await.expect_error(409, "reconnect_needed");
    assert!(!page.body.contains("248289761001"));
}
