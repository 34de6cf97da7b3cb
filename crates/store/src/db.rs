//! The database: which of the two it is, and how it is opened.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::{bad_url, silent};
use crate::migrations;
use crate::pool::{self, Pool, PostgresManager, SqliteManager};
use crate::servers::{AT_ONCE, Servers, names_hosts_in_query};
use crate::{Error, Result};

/// How much of a database one process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: u32,
    /// How long a statement may take, waiting for a connection or for another
    /// writer included, and a transaction as a whole. Whoever asked is then told
    /// that the database cannot be reached.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 8, patience: Duration::from_secs(5) }
    }
}

/// To what SQLite's log is cut back when it has been written into the file.
const LOG_BYTES: &str = "8388608";

const POOLER: &str = "it leads to a pooler in transaction mode that forgets prepared statements, \
    like PgBouncer before 1.21: use its session mode (pool_mode = session)";

/// How often SQLite is asked again when another process may be at it…
const TRIES: u32 = 20;

/// …and how long to wait before.
const PAUSE: Duration = Duration::from_millis(100);

/// One of the two databases that every statement here is written for.
#[derive(Clone, Debug)]
pub enum Db {
    Sqlite(Pool<SqliteManager>),
    Postgres(Pool<PostgresManager>),
}

/// Which database an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    pub fn of(url: &str) -> Result<Self> {
        match url.split_once(':') {
            Some(("sqlite", file)) if file.trim_start_matches('/').starts_with('~') => {
                Err(Error::Url("does not know ~, which only shells replace".to_owned()))
            }
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) if names_hosts_in_query(url) => {
                let why = "names several hosts after its question mark: name them before the path";
                Err(Error::Url(why.to_owned()))
            }
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            _ => Err(Error::Url("does not start with sqlite: or postgres:".to_owned())),
        }
    }
}

impl Db {
    /// Opens the database as [`Self::open_with`] does, within the usual limits.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, Limits::default()).await
    }

    /// Opens the database, makes it if it is a file that does not exist yet,
    /// and runs the migrations.
    pub async fn open_with(url: &str, limits: Limits) -> Result<Self> {
        match Backend::of(url)? {
            Backend::Sqlite => Ok(Self::Sqlite(open_sqlite(url, limits).await?)),
            Backend::Postgres => Ok(Self::Postgres(open_postgres(url, limits).await?)),
        }
    }

    pub const fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    /// How many connections are open, and how many of them nobody uses.
    pub fn connections(&self) -> (u32, u32) {
        let status = match self {
            Self::Sqlite(pool) => pool.status(),
            Self::Postgres(pool) => pool.status(),
        };
        let number = |connections| u32::try_from(connections).unwrap_or(u32::MAX);
        (number(status.size), number(status.available))
    }

    /// Closes every connection that nobody uses, and each other one after its use.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => {
                pool.manager().reader.close();
                pool::close(pool).await;
            }
            Self::Postgres(pool) => pool::close(pool).await,
        }
    }
}

async fn open_sqlite(url: &str, limits: Limits) -> Result<Pool<SqliteManager>> {
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
        // What was acknowledged is on the disk: docs/adr/0043.
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", LOG_BYTES)
        .busy_timeout(limits.patience);
    // Another process may be turning the new file to WAL, for which SQLite does
    // not wait, whatever the busy timeout.
    let mut tries = 0;
    let mut first = loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && tries < TRIES => tries += 1,
            opened => break opened?,
        }
        tokio::time::sleep(PAUSE).await;
    };
    // Two instances that start at once: SQLite's migrator takes no lock, but each
    // migration is one transaction. Whoever comes second fails, and finds it done.
    while let Err(error) = migrations::run_on_file(&mut first).await {
        tries += 1;
        if tries > TRIES {
            return Err(migrations::failed(error));
        }
        tokio::time::sleep(PAUSE).await;
    }
    if in_memory {
        // One keeps the database, and one uses it.
        std::mem::forget(first);
        return pool::new(SqliteManager::new(options, limits.patience), 1);
    }
    first.close().await?;
    // A file that is gone is not made anew, empty.
    let options = options.create_if_missing(false);
    pool::new(SqliteManager::new(options, limits.patience), limits.connections)
}

/// Whether SQLite refused because somebody else holds the file: BUSY or LOCKED.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refused| refused.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

async fn open_postgres(url: &str, limits: Limits) -> Result<Pool<PostgresManager>> {
    let servers = Servers::of(url, limits.patience)?;
    let first = async {
        let mut first = servers.connect().await?;
        let shared = check_pooler(&mut first, &servers).await?;
        Ok::<_, Error>((first, shared))
    };
    let first = tokio::time::timeout(limits.patience, first).await;
    let (mut first, shared) = first.unwrap_or_else(|_| Err(silent().into()))?;
    migrations::run(&mut first).await?;
    first.close().await?;
    let manager = PostgresManager::new(servers, shared, limits.patience);
    pool::new(manager, limits.connections)
}

/// Whether a pooler in transaction mode stands before the server.
///
/// # Errors
/// [`Error::Url`] when it is one that forgets prepared statements.
pub(crate) async fn check_pooler(one: &mut PgConnection, servers: &Servers) -> Result<bool> {
    const PREPARED: &str = "SELECT 1 AS one";
    if !servers.are_shared(one).await? {
        return Ok(false);
    }
    let mut somebody_else = servers.connect().await?;
    let prepared = async {
        sqlx::query(PREPARED).execute(&mut *one).await?;
        let _busy = somebody_else.begin().await?;
        // Where there is one server it has to wait, and meets the same one again.
        let again = tokio::time::timeout(AT_ONCE, sqlx::query(PREPARED).execute(&mut *one)).await;
        again.map_or(Ok(()), |again| again.map(drop))
    };
    let prepared: sqlx::Result<()> = prepared.await;
    somebody_else.close().await?;
    let code = |error: &sqlx::Error| Some(error.as_database_error()?.code()?.into_owned());
    match prepared {
        // invalid_sql_statement_name, duplicate_prepared_statement
        Err(error) if matches!(code(&error).as_deref(), Some("26000" | "42P05")) => {
            Err(Error::Url(POOLER.to_owned()))
        }
        prepared => Ok(prepared.map(|()| true)?),
    }
}

/// Whether it is gone when the process ends.
pub(crate) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
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
