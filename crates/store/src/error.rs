//! Database errors.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    #[error("it exists already")]
    Exists,
    /// The account was deleted meanwhile (a foreign key failed).
    #[error("its account is gone")]
    AccountGone,
    /// The sign-in that requested the change has ended, or the password was changed meanwhile.
    #[error("the sign-in has ended")]
    SignInEnded,
    /// An operator has blocked the account.
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
    /// The connection pooler does not support what we need.
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
            sqlx::Error::Database(ref refused) if is_unavailable(refused.code().as_deref()) => {
                Self::Unavailable(error)
            }
            other => Self::Statement(other),
        }
    }
}

pub(crate) fn timed_out() -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// Drops sqlx's message: it may quote the URL, which may contain a password.
pub(crate) fn invalid_url(_: sqlx::Error) -> Error {
    Error::Url("is not a valid database URL".to_owned())
}

/// Whether a result code of either database means that it cannot be used for now.
fn is_unavailable(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match code.parse::<u32>() {
        // The low byte of an extended SQLite code is the primary one: BUSY, LOCKED, READONLY,
        // IOERR, FULL, CANTOPEN. PostgreSQL's codes have five characters, sometimes all digits.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 8 | 10 | 13 | 14),
        // Class 40: rolled back because of another transaction; may be retried.
        // 25006: a read-only standby has this address.
        _ => ["08", "25006", "40", "53", "57"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unavailable_database_codes_are_recognized() {
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
            assert_eq!(is_unavailable(code), unavailable, "{code:?}");
        }
    }
}
