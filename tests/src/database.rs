//! Databases that belong to one test alone.

use latchkey_store::Db;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// An empty database, gone with the test.
#[derive(Debug)]
pub struct Database {
    /// As `DATABASE_URL` has it.
    pub url: String,
    /// The same, opened and migrated.
    pub db: Db,
    _folder: Option<TempDir>,
}

impl Database {
    /// A file in a folder of its own.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let db = Db::open(&url).await.expect("a database");
        Self { url, db, _folder: Some(folder) }
    }

    /// A database of its own on the server that `tests/run` starts.
    pub async fn postgres() -> Self {
        let url = Self::new_postgres_url().await;
        let db = Db::open(&url).await.expect("a database");
        Self { url, db, _folder: None }
    }

    /// Makes an empty database on the server that `tests/run` starts.
    pub async fn new_postgres_url() -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        let server = server();
        let mut connection = PgConnection::connect(&server).await.expect("a server");
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(create).await.expect("a new database");
        let mut url = url::Url::parse(&server).expect("a URL");
        url.set_path(&name);
        url.to_string()
    }

    /// Runs a statement that no store function would.
    pub async fn execute(&self, statement: &str) {
        execute(&self.db, statement).await;
    }

    /// How many rows a table has.
    pub async fn rows(&self, table: &str) -> i64 {
        rows(&self.db, table).await
    }
}

fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "no setting of the app: tests/run sets it")]
    std::env::var("LATCHKEY_TEST_POSTGRES_URL").expect("LATCHKEY_TEST_POSTGRES_URL: see tests/run")
}

/// How many rows a table has.
///
/// # Panics
/// When there is no such table.
pub async fn rows(db: &Db, table: &str) -> i64 {
    number(db, &format!("SELECT COUNT(*) FROM {table}")).await
}

/// The same lines for either database, with a connection.
macro_rules! on {
    ($db:expr, |$one:ident| $act:expr) => {
        match $db {
            Db::Sqlite(pool) => {
                let mut one = pool.get().await.expect("a connection");
                let $one = &mut *one;
                $act
            }
            Db::Postgres(pool) => {
                let mut one = pool.get().await.expect("a connection");
                let $one = &mut *one;
                $act
            }
        }
    };
}

/// Runs a statement that no store function would. Says how many rows it touched.
///
/// # Panics
/// When the database refuses it.
pub async fn execute(db: &Db, statement: &str) -> u64 {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    on!(db, |one| one.execute(statement).await.expect("a statement").rows_affected())
}

/// What a statement of one number says.
///
/// # Panics
/// When the database refuses it.
pub async fn number(db: &Db, statement: &str) -> i64 {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    on!(db, |one| sqlx::query_scalar(statement).fetch_one(one).await.expect("a number"))
}

/// What a statement of one text column says.
///
/// # Panics
/// When the database refuses it.
pub async fn texts(db: &Db, statement: &str) -> Vec<String> {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    on!(db, |one| sqlx::query_scalar(statement).fetch_all(one).await.expect("rows"))
}
