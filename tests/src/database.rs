//! A database for each test.

use latchkey_store::Db;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// An empty database, deleted after the test.
#[derive(Debug)]
pub struct Database {
    /// The value for `DATABASE_URL`.
    pub url: String,
    /// The opened and migrated database.
    pub db: Db,
    _folder: Option<TempDir>,
}

impl Database {
    /// Creates an SQLite database in a temporary folder.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let db = Db::open(&url).await.expect("a database");
        Self { url, db, _folder: Some(folder) }
    }

    /// Creates a database on the server that `tests/run` starts.
    pub async fn postgres() -> Self {
        let url = Self::new_postgres_url().await;
        let db = Db::open(&url).await.expect("a database");
        Self { url, db, _folder: None }
    }

    /// Creates an empty database, not migrated, on the server that `tests/run` starts.
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

    /// Runs a statement that the store has no function for.
    pub async fn execute(&self, statement: &str) {
        execute(&self.db, statement).await;
    }

    /// Counts the rows of a table.
    pub async fn rows(&self, table: &str) -> i64 {
        rows(&self.db, table).await
    }
}

fn server() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests/run sets it; it is not a setting of the app"
    )]
    std::env::var("LATCHKEY_TEST_POSTGRES_URL").expect("LATCHKEY_TEST_POSTGRES_URL: see tests/run")
}

/// Counts the rows of a table.
pub async fn rows(db: &Db, table: &str) -> i64 {
    number(db, &format!("SELECT COUNT(*) FROM {table}")).await
}

/// Expands the same code for both databases, with a connection.
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

/// Runs a statement that the store has no function for. Returns the number of rows affected.
pub async fn execute(db: &Db, statement: &str) -> u64 {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    on!(db, |one| one.execute(statement).await.expect("a statement").rows_affected())
}

/// Runs a query for one number.
pub async fn number(db: &Db, statement: &str) -> i64 {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    on!(db, |one| sqlx::query_scalar(statement).fetch_one(one).await.expect("a number"))
}

/// Runs a query for one text column.
pub async fn texts(db: &Db, statement: &str) -> Vec<String> {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    on!(db, |one| sqlx::query_scalar(statement).fetch_all(one).await.expect("rows"))
}

/// The content of every table, as text.
pub async fn dump(db: &Db) -> Vec<(String, String)> {
    let tables = match db {
        Db::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Db::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let mut dump = Vec::new();
    for table in texts(db, tables).await {
        let rows = match db {
            Db::Sqlite(_) => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = texts(db, &columns).await;
                let quoted: Vec<_> = columns
                    .iter()
                    .map(|column| format!("'{column}=' || quote(\"{column}\")"))
                    .collect();
                format!("SELECT {} FROM \"{table}\"", quoted.join(" || ' ' || "))
            }
            Db::Postgres(_) => format!("SELECT row_to_json(t)::text FROM \"{table}\" t"),
        };
        dump.push((table, texts(db, &rows).await.join("\n")));
    }
    dump
}
