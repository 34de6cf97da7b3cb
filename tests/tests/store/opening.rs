//! Opening and probing a database, and counting statements.

use std::sync::Arc;

use latchkey_domain::sign_in::CredentialKind;
use latchkey_store::count::{self, Statements};
use latchkey_store::probe::probe;
use latchkey_store::{Backend, Db, Error, hash, sign_ins, users};
use latchkey_tests::{Database, number, texts};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, SqlSafeStr as _, SqliteConnection};
use tokio::task::JoinSet;

use crate::people::{NOW, fresh, sign_in, somebody};

on_both! {
    async fn migrated_database_can_be_reopened(database) {
        database.db.ready().await.expect("ready");
        // A second instance and a restart find the migrations done.
        let (one, two) = tokio::join!(Db::open(&database.url), Db::open(&database.url));
        for again in [one.expect("a database"), two.expect("a database")] {
            assert_eq!(again.backend(), database.db.backend());
            again.ready().await.expect("ready");
        }
        assert_eq!(database.rows("users").await, 0);
    }

    async fn application_migrations_coexist_with_latchkey_migrations(database) {
        // The same version number as one of ours: neither list affects the other.
        let own = Migrator::with_migrations(vec![Migration::new(
            1,
            "own".into(),
            MigrationType::Simple,
            "CREATE TABLE orders (id TEXT PRIMARY KEY)".into_sql_str(),
            false,
        )]);
        let url = &database.url;
        for _ in 0..2 {
            let done = match database.db.backend() {
                Backend::Sqlite => {
                    let mut one = SqliteConnection::connect(url).await.expect("a connection");
                    own.run_direct(None, &mut one, false).await
                }
                Backend::Postgres => {
                    let mut one = PgConnection::connect(url).await.expect("a connection");
                    own.run_direct(None, &mut one, false).await
                }
            };
            done.expect("migrated");
            let again = Db::open(url).await.expect("a database");
            again.ready().await.expect("ready");
            again.close().await;
        }
        assert_eq!(database.rows("orders").await, 0);
        assert_eq!(database.rows("_sqlx_migrations").await, 1);
    }

    async fn migrations_in_legacy_table_are_not_run_again(database) {
        let count = database.rows("_latchkey_migrations").await;
        for statement in [
            "CREATE TABLE _sqlx_migrations AS SELECT * FROM _latchkey_migrations",
            "DROP TABLE _latchkey_migrations",
        ] {
            database.execute(statement).await;
        }
        probe(&database.url).await.expect("a start would find its way");
        let (one, two) = tokio::join!(Db::open(&database.url), Db::open(&database.url));
        for again in [one.expect("a database"), two.expect("a database")] {
            again.ready().await.expect("ready");
            again.close().await;
        }
        assert_eq!(database.rows("_latchkey_migrations").await, count);
        assert_eq!(database.rows("_sqlx_migrations").await, count, "for a version that goes back");
    }

    async fn closed_database_reports_unavailable(database) {
        database.db.close().await;
        let answer = database.db.ready().await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        let answer = users::by_id(&database.db, latchkey_domain::UserId::new(NOW, fresh())).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    }

    async fn statements_are_counted_only_inside_the_scope(database) {
        let id = latchkey_domain::UserId::new(NOW, fresh());
        let counted = Arc::new(Statements::default());
        count::statements(Arc::clone(&counted), async {
            for _ in 0..3 {
                assert!(users::by_id(&database.db, id).await.expect("an answer").is_none());
            }
        })
        .await;
        // Outside of `count::statements`.
        assert!(users::by_id(&database.db, id).await.expect("an answer").is_none());
        assert_eq!(counted.sent(), 3);
        assert!(counted.time() > std::time::Duration::ZERO);
    }
}

#[tokio::test]
async fn sqlite_file_and_folder_are_created_if_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("not/there/yet.db");
    let db = Db::open(&format!("sqlite://{}", file.display())).await.expect("a database");
    db.ready().await.expect("ready");
    assert!(file.exists());
}

#[tokio::test]
async fn sqlite_opens_with_expected_pragmas() {
    let database = Database::sqlite().await;
    assert_eq!(texts(&database.db, "PRAGMA journal_mode").await, ["wal"]);
    for (pragma, value) in [
        ("PRAGMA foreign_keys", 1_i64),
        ("PRAGMA busy_timeout", 5000),
        // FULL: committed rows survive a power failure.
        ("PRAGMA synchronous", 2),
        ("PRAGMA journal_size_limit", 8_388_608),
    ] {
        assert_eq!(number(&database.db, pragma).await, value, "{pragma}");
    }
}

#[tokio::test]
async fn invalid_database_url_error_hides_secrets() {
    for url in [
        "mysql://root:s3cr3t@localhost/x",
        "s3cr3t",
        "",
        "postgres://user:s3cr3t@localhost:notaport/x",
        "sqlite:///dev/null/s3cr3t/x.db",
    ] {
        let error = Db::open(url).await.expect_err(url);
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[test]
fn url_scheme_selects_the_database_backend() {
    for (url, backend) in [
        ("sqlite://data/x.db", Some(Backend::Sqlite)),
        ("sqlite::memory:", Some(Backend::Sqlite)),
        ("postgres://localhost/x", Some(Backend::Postgres)),
        ("postgresql://localhost/x", Some(Backend::Postgres)),
        ("Sqlite://x", None),
        ("sqlite", None),
        ("file://x", None),
    ] {
        assert_eq!(Backend::of(url).ok(), backend, "{url}");
    }
}

#[test]
fn sha256_hex_is_lowercase_and_deterministic() {
    let (one, two) = (hash::sha256_hex("secret-one"), hash::sha256_hex("secret-two"));
    assert_ne!(one, two);
    assert_eq!(one.len(), 64);
    assert!(one.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)));
    assert_eq!(hash::sha256_hex("secret-one"), one);
}

/// Constant reads and writes do not prevent checkpoints of the write-ahead log.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_wal_size_stays_bounded_under_writes() {
    let database = Database::sqlite().await;
    let mut all = JoinSet::new();
    for _ in 0..8 {
        let (db, ada) = (database.db.clone(), somebody(&database.db).await);
        all.spawn(async move {
            for _ in 0..150 {
                let one = sign_in(&ada, CredentialKind::Session);
                // On a slow disk some inserts time out.
                let _ = sign_ins::insert(&db, &one, None).await;
                users::by_id(&db, ada.id).await.expect("an answer");
            }
        });
    }
    all.join_all().await;
    let written = database.rows("sign_ins").await;
    assert!(written > 600, "{written} rows tell nothing");
    let log = format!("{}-wal", database.url.strip_prefix("sqlite://").expect("a file"));
    let bytes = std::fs::metadata(log).expect("a log").len();
    // Each row takes two statements and about six pages of 4 kB.
    assert!(bytes < 12 * 1024 * 1024, "{bytes} bytes of log for {written} rows");
}
