//! A database that a newer version has migrated, or whose user may not migrate it.

use latchkey_store::probe::probe;
use latchkey_store::{Db, Error};
use latchkey_tests::Database;
use latchkey_tests::accounts::{instance, sign_up, signed_in};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;

use crate::is_ready;

async fn app_starts_with_a_newer_schema(database: Database) {
    // Changes that a later version may make while this one still runs.
    database.execute("ALTER TABLE users ADD COLUMN shoe_size BIGINT").await;
    database.execute("CREATE TABLE shoes (id TEXT PRIMARY KEY)").await;
    let binary = match database.db {
        Db::Sqlite(_) => "x'00'",
        Db::Postgres(_) => "'\\x00'",
    };
    database
        .execute(&format!(
            "INSERT INTO _latchkey_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'shoes', TRUE, {binary}, 1)"
        ))
        .await;
    let app = instance(&database.url).start().await;
    assert!(is_ready(&app).await);
    sign_up(&app, "ada@example.test").await;
    signed_in(&app, "ada@example.test", "session").await;
    signed_in(&app, "ada@example.test", "jwt").await;
}

#[tokio::test]
async fn app_starts_with_a_newer_schema_on_sqlite() {
    app_starts_with_a_newer_schema(Database::sqlite().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn app_starts_with_a_newer_schema_on_postgres() {
    app_starts_with_a_newer_schema(Database::postgres().await).await;
}

#[tokio::test]
async fn non_sqlite_file_is_reported_when_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("letter.db");
    std::fs::write(&file, "Dear Ada, this is a letter. ".repeat(100)).expect("written");
    let error = Db::open(&format!("sqlite://{}", file.display())).await.expect_err("a letter");
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn missing_create_privilege_is_explained() {
    let server = Database::new_postgres_url().await;
    let mut admin = PgConnection::connect(&server).await.expect("a connection");
    let name = format!("guest_{}", std::process::id());
    for statement in [
        format!("CREATE ROLE {name} LOGIN"),
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
    ] {
        admin.execute(AssertSqlSafe(statement)).await.expect("a statement");
    }
    let mut url = Url::parse(&server).expect("a URL");
    url.set_username(&name).expect("a name");
    let found = probe(url.as_str()).await.expect_err("no right to").to_string();
    assert!(found.contains("permission denied for schema public"), "{found}");
    let error = Db::open(url.as_str()).await.expect_err("no right to");
    assert!(matches!(error, Error::Migration { .. }), "{error:?}");
    for part in ["_latchkey_migrations", "permission denied for schema public"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    // Another user runs the migrations: then there is nothing to create.
    Db::open(&server).await.expect("a database").close().await;
    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO PUBLIC";
    admin.execute(grant).await.expect("granted");
    Db::open(url.as_str()).await.expect("a database").ready().await.expect("ready");
}
