//! Reads one row of SQLite on the current thread (docs/adr/0055).

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Result, Row, ToSql, params_from_iter};

use crate::pool::InlineRead;

/// Page cache in KiB (SQLite wants that negative): enough for the pages that lead to a
/// thousand sessions among a million.
const CACHE_KIB: i32 = -24 * 1024;

/// A read-only connection that one thread at a time uses, so that a hanging disk blocks
/// only one thread.
#[derive(Debug)]
pub(crate) struct SqliteReader {
    file: PathBuf,
    connection: Mutex<Option<Connection>>,
}

impl SqliteReader {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), connection: Mutex::new(None) }
    }

    /// Reads the first row, if SQLite answers without waiting. The caller falls back to the
    /// pool.
    pub(crate) fn read<T>(
        &self,
        statement: &'static str,
        params: &[impl ToSql],
        read: impl FnOnce(&Row<'_>) -> crate::Result<T>,
    ) -> InlineRead<crate::Result<Option<T>>> {
        let Some(mut slot) = self.connection.try_lock() else { return InlineRead::Busy };
        // Taken out of the slot, so that a connection that failed is not used again.
        let Some(connection) = slot.take().or_else(|| open(&self.file).ok()) else {
            return InlineRead::Unavailable;
        };
        let Ok(row) = first_row(&connection, statement, params, read) else {
            return InlineRead::Unavailable;
        };
        *slot = Some(connection);
        InlineRead::Done(row.transpose())
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.connection.is_locked()
    }

    pub(crate) fn close(&self) {
        *self.connection.lock() = None;
    }
}

fn open(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    Ok(connection)
}

fn first_row<T>(
    connection: &Connection,
    statement: &'static str,
    params: &[impl ToSql],
    read: impl FnOnce(&Row<'_>) -> T,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params_from_iter(params))?;
    Ok(rows.next()?.map(read))
}
