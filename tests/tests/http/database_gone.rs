//! A database that is gone: said plainly, and forgotten when it is back.

use latchkey_store::Db;
use latchkey_tests::{Browser, Database, Latchkey, Setup};
use sqlx::{Connection as _, Executor as _, PgConnection};

/// What must be true while the database is gone.
async fn out_of_order(app: &Latchkey, browser: &mut Browser) {
    let _ = browser.get(&app.url("/healthz")).await.expect(200);
    let ready = browser.get(&app.url("/readyz")).await.expect(503);
    assert!(!ready.body.contains("postgres://"), "{}", ready.body);
    // Who carries a session cannot be told from a stranger, and is not taken for one.
    for path in ["/account", "/"] {
        let page = browser.get(&app.url(path)).await;
        let page = page.expect_error(503, "database_unavailable");
        assert!(page.cookies().is_empty(), "{path} takes the session away");
    }
    // Who carries none is not affected.
    let mut visitor = Browser::new();
    for path in ["/", "/sign-in", "/errors"] {
        let _ = visitor.get(&app.url(path)).await.expect(200);
    }
    // Nobody comes in.
    let authorize = visitor.set_out(app, "google").await;
    let callback = visitor.consent(&authorize, "grace").await;
    let _ = visitor.come_back(&callback).await.expect_error(503, "database_unavailable");
    assert_eq!(visitor.session(app), None);
}

#[tokio::test]
async fn sqlite_that_cannot_be_reached_is_said_plainly() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let _ = browser.get(&app.url("/readyz")).await.expect(200);
    app.app.db.close().await;
    out_of_order(&app, &mut browser).await;
}

#[tokio::test]
async fn a_table_that_is_gone_is_our_fault_and_no_panic() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let Db::Sqlite(pool) = &app.app.db else { panic!("SQLite") };
    pool.execute("ALTER TABLE identities RENAME TO elsewhere").await.expect("renamed");
    let page = browser.get(&app.url("/account")).await.expect_error(500, "internal_error");
    assert!(!page.body.contains("elsewhere") && !page.body.contains("SELECT"), "{}", page.body);
    let _ = browser.get(&app.url("/")).await.expect(200);
}

#[tokio::test]
async fn migrations_that_are_missing_are_not_ready() {
    let app = Latchkey::start().await;
    let Db::Sqlite(pool) = &app.app.db else { panic!("SQLite") };
    pool.execute("DELETE FROM _sqlx_migrations").await.expect("deleted");
    let _ = Browser::new().get(&app.url("/readyz")).await.expect(503);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn postgres_that_comes_back_is_used_again() {
    let url = Database::new_postgres_url().await;
    let app = Setup::new().set("DATABASE_URL", &url).start().await;
    let mut browser = Browser::new();
    let ada = browser.sign_in_with(&app, "google", "ada").await;

    let name = url.rsplit('/').next().expect("a name").to_owned();
    let server = url.strip_suffix(&name).expect("a server").to_owned() + "postgres";
    let mut admin = PgConnection::connect(&server).await.expect("the server");
    let mut tell = async |sql: String| {
        admin.execute(sqlx::AssertSqlSafe(sql)).await.expect("done");
    };
    tell(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
    tell(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ))
    .await;
    out_of_order(&app, &mut browser).await;

    tell(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")).await;
    let _ = browser.get(&app.url("/readyz")).await.expect(200);
    assert_eq!(browser.account(&app).await, Some(ada));
}
