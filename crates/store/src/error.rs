//! What can go wrong between us and the database.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    #[error("it exists already")]
    Exists,
    /// The account that it was to belong to was deleted meanwhile.
    #[error("its account is gone")]
    AccountGone,
    /// An operator lets nobody in to the account.
    #[error("its account is blocked")]
    Blocked,
    #[error("the database refused a statement: {0}")]
    Statement(#[source] sqlx::Error),
    #[error("the database could not be brought up to date, at {at}: {source}")]
    Migration { at: String, source: sqlx::Error },
    #[error("the database could not be brought up to date: {0}")]
    Migrations(#[source] sqlx::migrate::MigrateError),
    #[error("the column {0} holds something that cannot be read")]
    Unreadable(&'static str),
    #[error("{0}")]
    Url(String),
    /// What stands before the server cannot be worked with.
    #[error("{0}")]
    Pooler(&'static str),
}

/// The outcome of a store function.
pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(ref refused) if refused.is_unique_violation() => Self::Exists,
            sqlx::Error::Database(ref refused) if refused.is_foreign_key_violation() => {
                Self::AccountGone
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error),
            // SQLite says "unable to open", "disk I/O", "locked", "full" or "read-only"
            // as an ordinary refusal; PostgreSQL in classes 08, 40, 53 and 57, and 25006.
            sqlx::Error::Database(ref refused) if out_of_order(refused.code().as_deref()) => {
                Self::Unavailable(error)
            }
            other => Self::Statement(other),
        }
    }
}

/// What is said of a server that did not answer in time.
pub(crate) fn silent() -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// What sqlx says of an address may quote it, and it may hold a password.
pub(crate) fn bad_url(_: sqlx::Error) -> Error {
    Error::Url("it is not a database address that can be understood".to_owned())
}

fn out_of_order(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match code.parse::<u32>() {
        // An extended SQLite result code keeps the primary one in its low byte:
        // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
        // PostgreSQL's have five characters, and some of them are digits alone.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 8 | 10 | 13 | 14),
        // Class 40: rolled back because of another transaction; worth another try.
        // 25006: a standby that took over the address, or was left behind at it.
        _ => ["08", "25006", "40", "53", "57"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_out_of_order_is_told_from_a_refusal() {
        for (code, unavailable) in [
            (Some("5"), true),      // SQLITE_BUSY
            (Some("261"), true),    // SQLITE_BUSY_RECOVERY
            (Some("14"), true),     // SQLITE_CANTOPEN
            (Some("1032"), true),   // SQLITE_READONLY_DBMOVED
            (Some("25006"), true),  // read_only_sql_transaction
            (Some("2067"), false),  // SQLITE_CONSTRAINT_UNIQUE
            (Some("1"), false),     // SQLITE_ERROR
            (Some("57P01"), true),  // admin_shutdown
            (Some("53300"), true),  // too_many_connections
            (Some("08006"), true),  // connection_failure
            (Some("23505"), false), // unique_violation
            (Some("42P01"), false), // undefined_table
            (None, false),
        ] {
            assert_eq!(out_of_order(code), unavailable, "{code:?}");
        }
    }
}
