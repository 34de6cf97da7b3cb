//! SQLite: opening its file, its connections, and seeing that it changed.

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
use crate::error::bad_url;
use crate::folder::create_private_dir;
use crate::limits::{LOOK_EVERY, Limits};
use crate::migrations::{self, Applied, LIST_BEFORE, MIGRATIONS, carry_over};
use crate::pool::{self, Driver, InPlace, Pool};
use crate::values::{Row, Value};
use crate::{Error, Result};

/// To what SQLite's log is cut back when it has been written into the file.
const LOG_BYTES: &str = "8388608";

/// How often SQLite is asked again when another process may be at it…
const TRIES: u32 = 20;

/// …and how long to wait before.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn open(url: &str, limits: Limits) -> Result<Pool<SqliteManager>> {
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
        .busy_timeout(limits.timeout);
    // Another process may be turning the new file to WAL, for which SQLite does
    // not wait, whatever the busy timeout.
    let mut tries = 0;
    let mut first = loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && tries < TRIES => tries += 1,
            opened => break opened?,
        }
        sleep(PAUSE).await;
    };
    // Two instances that start at once: SQLite's migrator takes no lock, but each
    // migration is one transaction. Whoever comes second fails, and finds it done.
    while let Err(error) = migrate(&mut first).await {
        tries += 1;
        if tries > TRIES {
            return Err(migrations::failed(error, |_| None));
        }
        sleep(PAUSE).await;
    }
    if in_memory {
        // One keeps the database, and one uses it.
        std::mem::forget(first);
        return pool::new(SqliteManager::new(options, limits.timeout), 1);
    }
    first.close().await?;
    // A file that is gone is not made anew, empty.
    let options = options.create_if_missing(false);
    pool::new(SqliteManager::new(options, limits.timeout), limits.connections)
}

/// What is where the address leads.
pub(crate) enum Found {
    Nothing,
    /// Nor can a file be made there.
    NoFolder,
    InMemory,
    File(Pool<SqliteManager>),
}

/// What a start would find, with nothing changed.
pub(crate) async fn probe(url: &str, patience: Duration) -> Result<Found> {
    let options = SqliteConnectOptions::from_str(url).map_err(bad_url)?;
    if is_in_memory(url) {
        return Ok(Found::InMemory);
    }
    let file = options.get_filename();
    if !file.exists() {
        return Ok(if can_be_made(file) { Found::Nothing } else { Found::NoFolder });
    }
    let options = options.create_if_missing(false).busy_timeout(patience);
    let mut first = options.connect().await?;
    // Opens and rolls back a write transaction, to check that the file is writable.
    match first.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction.rollback().await?,
        // That proves it, too.
        Err(error) if is_busy(&error) => {}
        Err(error) => return Err(error.into()),
    }
    first.close().await?;
    Ok(Found::File(pool::new(SqliteManager::new(options, patience), 1)?))
}

/// Whether the nearest thing on the way to a file that exists is a folder.
fn can_be_made(file: &Path) -> bool {
    let folders = file.ancestors().skip(1);
    let nearest = folders.map(|one| if one.as_os_str().is_empty() { Path::new(".") } else { one });
    nearest
        .filter_map(|folder| folder.metadata().ok())
        .next()
        .is_some_and(|found| found.is_dir() && !found.permissions().readonly())
}

/// Whether SQLite refused because somebody else holds the file: BUSY or LOCKED.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refused| refused.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Runs what is missing on SQLite, where each is one transaction.
async fn migrate(one: &mut SqliteConnection) -> std::result::Result<(), MigrateError> {
    let before = sqlx::query_as::<_, Applied>(LIST_BEFORE).fetch_all(&mut *one).await;
    if before.is_ok() {
        carry_over!(one);
    }
    // `run` would not be seen to be `Send`.
    MIGRATIONS.run_direct(None, one, false).await
}

/// Whether it is gone when the process ends.
fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

fn make_folder_of(file: &Path) -> Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    create_private_dir(folder)
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

#[derive(Debug)]
pub struct SqliteManager {
    options: SqliteConnectOptions,
    patience: Duration,
    identity: Option<FileId>,
    reader: SqliteReader,
}

/// Which file this is, whatever its name.
type FileId = (u64, u64);

impl SqliteManager {
    pub(crate) fn new(options: SqliteConnectOptions, patience: Duration) -> Self {
        let file = options.get_filename();
        let (identity, reader) = (identity(file), SqliteReader::new(file));
        Self { options, patience, identity, reader }
    }

    pub(crate) fn file(&self) -> &Path {
        self.options.get_filename()
    }

    /// A file that was deleted goes on taking everything, and loses it at the end.
    fn is_there(&self) -> bool {
        identity(self.file()) == self.identity
    }
}

impl Driver for SqliteManager {
    fn patience(&self) -> Duration {
        self.patience
    }

    /// Not from a database in memory, which has no file, nor from one that is gone.
    fn read<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> InPlace<Result<Option<T>>> {
        if self.identity.is_none() || !self.is_there() {
            return InPlace::Impossible;
        }
        let read = |row: &rusqlite::Row<'_>| read(&Row::SqliteInPlace(row, Cell::default()));
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
        if self.is_there() {
            Ok(())
        } else {
            Err(RecycleError::message("another file has its name"))
        }
    }
}

fn identity(file: &Path) -> Option<FileId> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        file.metadata().ok().map(|found| (found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    file.metadata().ok().map(|_| (0, 0))
}

/// Every commit changes SQLite's write-ahead log. Looking at the file costs no statement.
pub(crate) async fn watch_log(database: &Path, news: &Notify) {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let look = || -> Option<(SystemTime, u64)> {
        let found = std::fs::metadata(&log).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    let mut seen = look();
    let mut was_news = false;
    loop {
        sleep(LOOK_EVERY).await;
        let found = look();
        let is_news = found != seen;
        // Once more after the last change: the next commit may come within the
        // same tick of the file system's clock.
        if is_news || was_news {
            news.notify_one();
        }
        (seen, was_news) = (found, is_news);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_a_folder_and_not_another_file() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(can_be_made(&here.join("a/b/c.db")));
        assert!(can_be_made(Path::new("c.db")));
        assert!(!can_be_made(&here.join("Cargo.toml/c.db")));
    }
}
