//! The database: which of the two it is, and how it is opened.

use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlSafeStr as _, SqlitePool};

use crate::{Error, Result};

/// How long a request waits for a connection before it is told that the
/// database cannot be reached.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a writer waits for another one to finish, in SQLite.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const CONNECTIONS: u32 = 8;

/// How often SQLite's migrations are tried again when another process may be at it…
const MIGRATION_TRIES: u32 = 20;

/// …and how long to wait before.
const MIGRATION_PAUSE: Duration = Duration::from_millis(100);

/// The files of `migrations/`, in their order. Listed rather than found by
/// `sqlx::migrate!`, which would compile both drivers a second time for its macro.
pub(crate) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    macro_rules! migrations {
        ($($version:literal $name:literal $file:literal,)*) => {
            [$(($version, $name, include_str!(concat!("../../../migrations/", $file)))),*]
        };
    }
    let files = migrations![
        1 "people" "0001_people.sql",
        2 "sign ins" "0002_sign_ins.sql",
        3 "passwords" "0003_passwords.sql",
        4 "jwt" "0004_jwt.sql",
        5 "contacts calendar" "0005_contacts_calendar.sql",
        6 "account" "0006_account.sql",
        7 "connections" "0007_connections.sql",
        8 "traces" "0008_traces.sql",
        12 "order and indexes" "0012_order_and_indexes.sql",
        13 "authorization responses" "0013_authorization_responses.sql",
    ];
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.into_iter().map(migration).collect())
});

/// One of the two databases that every statement here is written for.
#[derive(Clone, Debug)]
pub enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Which database an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    pub fn of(url: &str) -> Result<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => Err(Error::Url("it begins with neither sqlite: nor postgres:".to_owned())),
        }
    }
}

impl Db {
    /// Opens the database, makes it if it is a file that does not exist yet,
    /// and runs the migrations.
    pub async fn open(url: &str) -> Result<Self> {
        let db = match Backend::of(url)? {
            Backend::Sqlite => Self::Sqlite(open_sqlite(url).await?),
            Backend::Postgres => Self::Postgres(open_postgres(url).await?),
        };
        db.migrate().await?;
        Ok(db)
    }

    /// Brings the schema up to date. Two instances that start at once do not
    /// clash: PostgreSQL's migrator takes an advisory lock. SQLite's takes none,
    /// but each migration is one transaction: whoever comes second fails, and
    /// finds it done when they look again.
    async fn migrate(&self) -> Result<()> {
        let mut tries = 0;
        loop {
            let migrated = match self {
                Self::Sqlite(pool) => MIGRATIONS.run(pool).await,
                Self::Postgres(pool) => MIGRATIONS.run(pool).await,
            };
            match migrated {
                Err(_) if self.backend() == Backend::Sqlite && tries < MIGRATION_TRIES => {
                    tries += 1;
                    tokio::time::sleep(MIGRATION_PAUSE).await;
                }
                other => return Ok(other?),
            }
        }
    }

    pub const fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    /// Waits for what is under way, and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(url: &str) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url).map_err(bad_url)?;
    let in_memory = is_in_memory(url);
    if !in_memory {
        make_folder_of(options.get_filename())?;
        make_private(options.get_filename())?;
    }
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new()
        // Each connection to memory would be a database of its own.
        .max_connections(if in_memory { 1 } else { CONNECTIONS })
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false);
    // Another process may be turning the new file to WAL, for which SQLite does
    // not wait, whatever the busy timeout.
    let mut tries = 0;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && tries < MIGRATION_TRIES => {
                tries += 1;
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// Whether SQLite refused because somebody else holds the file: BUSY or LOCKED.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refused| refused.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

async fn open_postgres(url: &str) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url).map_err(bad_url)?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Whether it is gone when the process ends.
pub(crate) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// What sqlx says of an address may quote it, and it may hold a password.
fn bad_url(_: sqlx::Error) -> Error {
    Error::Url("it is not a database address that can be understood".to_owned())
}

fn make_folder_of(file: &Path) -> Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    private_folder(folder)
        .map_err(|error| Error::Url(format!("its folder cannot be made: {error}")))
}

/// Makes the file, if it is missing, so that nobody else can read it. SQLite
/// gives the files that it puts beside it the same mode.
fn make_private(file: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .map(drop)
        .map_err(|error| Error::Url(format!("its file cannot be opened: {error}")))
}

/// Makes a folder, if it is missing, that nobody else on the machine can look
/// into: hashes and sealed keys lie in it.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_migration() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let ours: Vec<_> = MIGRATIONS
            .iter()
            .map(|one| format!("{:04}_{}.sql", one.version, one.description.replace(' ', "_")))
            .collect();
        assert_eq!(ours, files);
    }
}
