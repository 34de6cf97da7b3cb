//! Reading one row of SQLite in the thread that asks: docs/adr/0055.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Result, Row, ToSql, params_from_iter};

/// How long to wait for a thread that reads: many times what it needs.
const PATIENCE: Duration = Duration::from_micros(200);

/// A connection that only reads. One thread at a time uses it: a disk that hangs
/// holds up no other.
#[derive(Debug)]
pub(crate) struct SqliteReader {
    file: PathBuf,
    connection: Mutex<Option<Connection>>,
}

impl SqliteReader {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), connection: Mutex::new(None) }
    }

    /// The first row, or that there is none. `None` when SQLite cannot answer at once
    /// or the thread before does not come to an end: a connection of the pool can
    /// wait, and knows what to say.
    pub(crate) fn read<T>(
        &self,
        statement: &'static str,
        params: &[impl ToSql],
        read: impl FnOnce(&Row<'_>) -> T,
    ) -> Option<Option<T>> {
        let mut held = self.connection.try_lock_for(PATIENCE)?;
        // One that failed is not used again.
        let connection = held.take().or_else(|| open(&self.file).ok())?;
        let found = first(&connection, statement, params, read).ok()?;
        *held = Some(connection);
        Some(found)
    }

    pub(crate) fn close(&self) {
        *self.connection.lock() = None;
    }
}

fn open(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

fn first<T>(
    connection: &Connection,
    statement: &'static str,
    params: &[impl ToSql],
    read: impl FnOnce(&Row<'_>) -> T,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params_from_iter(params))?;
    Ok(rows.next()?.map(read))
}
