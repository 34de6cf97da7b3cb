//! Reading one row of SQLite in the thread that asks: docs/adr/0055.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Result, Row, ToSql, params_from_iter};

use crate::pool::InPlace;

/// How much of the file it keeps at most, in KiB (SQLite wants that negative): the pages that
/// lead to a thousand sessions among a million.
const CACHE_KIB: i32 = -24 * 1024;

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

    /// The first row, or that there is none. A connection of the pool can wait, and
    /// knows what to say, where SQLite cannot answer at once.
    pub(crate) fn read<T>(
        &self,
        statement: &'static str,
        params: &[impl ToSql],
        read: impl FnOnce(&Row<'_>) -> crate::Result<T>,
    ) -> InPlace<crate::Result<Option<T>>> {
        let Some(mut held) = self.connection.try_lock() else { return InPlace::Busy };
        // One that failed is not used again.
        let Some(connection) = held.take().or_else(|| open(&self.file).ok()) else {
            return InPlace::Impossible;
        };
        let Ok(found) = first(&connection, statement, params, read) else {
            return InPlace::Impossible;
        };
        *held = Some(connection);
        InPlace::Read(found.transpose())
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
