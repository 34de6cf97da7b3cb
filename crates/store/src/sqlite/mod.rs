//! SQLite: its file, its connections, and watching it for changes.

mod reader;

use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use sqlx::migrate::{Migrate as _, MigrateError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Notify;
use tokio::time::sleep;

use self::reader::SqliteReader;
use crate::error::invalid_url;
use crate::folder::create_private_dir;
use crate::limits::{Limits, POLL_INTERVAL};
use crate::migrations::{
    self, AppliedMigration, MIGRATIONS, SQLX_MIGRATIONS, adopt_sqlx_migrations,
};
use crate::pool::{self, Driver, InlineRead, Pool};
use crate::values::{Row, Value};
use crate::{Error, Result};

/// The size to which a checkpoint truncates the write-ahead log.
const WAL_LIMIT_BYTES: &str = "8388608";

/// How often to retry opening while another process holds a lock.
const MAX_RETRIES: u32 = 20;

const RETRY_DELAY: Duration = Duration::from_millis(100);

pub(crate) async fn open(url: &str, limits: Limits) -> Result<Pool<SqliteManager>> {
    let options = SqliteConnectOptions::from_str(url).map_err(invalid_url)?;
    let in_memory = is_in_memory(url);
    if !in_memory {
        create_folder_of(options.get_filename())?;
        create_private(options.get_filename())?;
    }
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Committed means on disk: docs/adr/0043.
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", WAL_LIMIT_BYTES)
        .busy_timeout(limits.timeout);
    // Another process may be switching the new file to WAL. SQLite's busy timeout does not
    // cover that.
    let mut retries = 0;
    let mut first = loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && retries < MAX_RETRIES => retries += 1,
            opened => break opened?,
        }
        sleep(RETRY_DELAY).await;
    };
    // When two instances start together, the second one fails, retries, and finds the
    // migrations done: SQLite's migrator takes no lock, but each migration is a transaction.
    while let Err(error) = migrate(&mut first).await {
        retries += 1;
        if retries > MAX_RETRIES {
            return Err(migrations::migration_error(error, |_| None));
        }
        sleep(RETRY_DELAY).await;
    }
    if in_memory {
        // Keeps the database alive; it ends with its last connection.
        std::mem::forget(first);
        return pool::new(SqliteManager::new(options, limits.timeout), 1);
    }
    first.close().await?;
    // Do not replace a deleted file with an empty one.
    let options = options.create_if_missing(false);
    pool::new(SqliteManager::new(options, limits.timeout), limits.connections)
}

pub(crate) enum SqliteProbe {
    Missing,
    /// Missing, and it cannot be created.
    MissingFolder,
    InMemory,
    File(Pool<SqliteManager>),
}

/// Like [`open`], but changes nothing.
pub(crate) async fn probe(url: &str, timeout: Duration) -> Result<SqliteProbe> {
    let options = SqliteConnectOptions::from_str(url).map_err(invalid_url)?;
    if is_in_memory(url) {
        return Ok(SqliteProbe::InMemory);
    }
    let file = options.get_filename();
    if !file.exists() {
        let missing =
            if can_create(file) { SqliteProbe::Missing } else { SqliteProbe::MissingFolder };
        return Ok(missing);
    }
    let options = options.create_if_missing(false).busy_timeout(timeout);
    let mut first = options.connect().await?;
    // Opens and rolls back a write transaction, to check that the file is writable.
    match first.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction.rollback().await?,
        // Another writer proves it, too.
        Err(error) if is_busy(&error) => {}
        Err(error) => return Err(error.into()),
    }
    first.close().await?;
    Ok(SqliteProbe::File(pool::new(SqliteManager::new(options, timeout), 1)?))
}

/// Whether the nearest existing ancestor is a writable folder.
fn can_create(file: &Path) -> bool {
    file.ancestors()
        .skip(1)
        .map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path })
        .find_map(|path| path.metadata().ok())
        .is_some_and(|found| found.is_dir() && !found.permissions().readonly())
}

/// BUSY or LOCKED.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refused| refused.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Runs pending migrations, each in a transaction.
async fn migrate(connection: &mut SqliteConnection) -> std::result::Result<(), MigrateError> {
    let earlier = sqlx::query_as::<_, AppliedMigration>(SQLX_MIGRATIONS);
    if earlier.fetch_all(&mut *connection).await.is_ok() {
        adopt_sqlx_migrations!(connection);
    }
    // The future of `run` is not provably `Send`.
    MIGRATIONS.run_direct(None, connection, false).await
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

fn create_folder_of(file: &Path) -> Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    create_private_dir(folder)
        .map_err(|error| Error::Url(format!("its folder cannot be created: {error}")))
}

/// Creates the file with mode 0600 if it is missing. SQLite copies that mode to its other
/// files.
fn create_private(file: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .map(drop)
        .map_err(|error| Error::Url(format!("its file cannot be opened: {error}")))
}

#[derive(Debug)]
pub struct SqliteManager {
    options: SqliteConnectOptions,
    timeout: Duration,
    file_id: Option<FileId>,
    reader: SqliteReader,
}

/// Device and inode.
type FileId = (u64, u64);

impl SqliteManager {
    pub(crate) fn new(options: SqliteConnectOptions, timeout: Duration) -> Self {
        let file = options.get_filename();
        let (file_id, reader) = (file_id(file), SqliteReader::new(file));
        Self { options, timeout, file_id, reader }
    }

    pub(crate) fn file(&self) -> &Path {
        self.options.get_filename()
    }

    /// An open connection to a deleted file still accepts writes, and loses them.
    fn file_is_current(&self) -> bool {
        file_id(self.file()) == self.file_id
    }
}

impl Driver for SqliteManager {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Not for a database in memory, or whose file was deleted or replaced.
    fn read_inline<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> InlineRead<Result<Option<T>>> {
        // Before the system call below, because a request that waits asks often.
        if self.reader.is_busy() {
            return InlineRead::Busy;
        }
        if self.file_id.is_none() || !self.file_is_current() {
            return InlineRead::Unavailable;
        }
        let read = |row: &rusqlite::Row<'_>| read(&Row::SqliteInline(row, Cell::default()));
        self.reader.read(statement, params, read)
    }

    fn close(&self) {
        self.reader.close();
    }
}

impl Manager for SqliteManager {
    type Type = SqliteConnection;
    type Error = sqlx::Error;

    fn create(&self) -> impl Future<Output = sqlx::Result<SqliteConnection>> + Send {
        self.options.connect()
    }

    async fn recycle(&self, _: &mut SqliteConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        if self.file_is_current() {
            Ok(())
        } else {
            Err(RecycleError::message("the file was deleted or replaced"))
        }
    }
}

fn file_id(file: &Path) -> Option<FileId> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        file.metadata().ok().map(|found| (found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    file.metadata().ok().map(|_| (0, 0))
}

/// Notifies `changed` when the write-ahead log changes, as it does with every commit. That
/// costs no statement.
pub(crate) async fn watch_log(database: &Path, changed: &Notify) {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let read_state = || -> Option<(SystemTime, u64)> {
        let metadata = std::fs::metadata(&log).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let mut state = read_state();
    let mut had_changed = false;
    loop {
        sleep(POLL_INTERVAL).await;
        let now = read_state();
        let has_changed = now != state;
        // Once more after the last change: another commit may have the same timestamp.
        if has_changed || had_changed {
            changed.notify_one();
        }
        (state, had_changed) = (now, has_changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_path_requires_directory_ancestor() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(can_create(&here.join("a/b/c.db")));
        assert!(can_create(Path::new("c.db")));
        assert!(!can_create(&here.join("Cargo.toml/c.db")));
    }
}
