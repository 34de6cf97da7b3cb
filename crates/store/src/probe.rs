//! A probe of the database that changes nothing: no file is created, no
//! migration is run. It tells what a start would find.

use std::time::Duration;

use latchkey_domain::Timestamp;

use crate::migrations::{APPLIED, Applied, MigrationStatus, judge};
#[cfg(feature = "postgres")]
use crate::postgres;
#[cfg(feature = "sqlite")]
use crate::sqlite;
use crate::values::{Row, params};
use crate::{Backend, Db, Error};

impl Db {
    /// Asks the database what a request would ask of it: whether it is up to
    /// date, and takes what is written.
    ///
    /// # Errors
    /// When it does not answer, takes nothing, or holds fewer migrations than we know of.
    pub async fn ready(&self) -> Result<(), Error> {
        let (applied, write) = match self.backend() {
            // The one write that changes nothing and yet needs room on the disk.
            Backend::Sqlite => (APPLIED, Some("PRAGMA user_version = 0")),
            // A standby refuses `FOR SHARE`, which is a write.
            Backend::Postgres => (APPLIED_AND_WRITABLE, None),
        };
        let rows = self.fetch_all(applied, params![], applied_row).await?;
        if let Some(write) = write {
            self.execute(write, params![]).await?;
        }
        match judge(&rows) {
            MigrationStatus::UpToDate(_) | MigrationStatus::Newer { .. } => Ok(()),
            _ => Err(Error::Unreadable("list of migrations")),
        }
    }
}

/// Times are cut off at the millisecond.
const CLOCK: &str =
    "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT) AS now";

impl Db {
    /// What the server's clock says; SQLite has none but ours.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clock(&self) -> Result<Option<Timestamp>, Error> {
        match self.backend() {
            Backend::Sqlite => Ok(None),
            Backend::Postgres => self.fetch_optional(CLOCK, params![], |row| row.get("now")).await,
        }
    }
}

/// How long somebody who looks waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

const APPLIED_AND_WRITABLE: &str =
    "SELECT version, success, checksum FROM _latchkey_migrations ORDER BY version FOR SHARE";

fn applied_row(row: &Row<'_>) -> Result<Applied, Error> {
    Ok((row.get("version")?, row.get("success")?, row.get("checksum")?))
}

/// What was found where the address leads.
#[derive(Debug)]
pub enum Probe {
    /// No file yet: it is made at the first start.
    Missing,
    /// Nothing that could be looked at: it is made at each start, and gone after it.
    InMemory,
    Database(Db),
}

/// Why the database cannot be used, in words that show nothing of its address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    #[error("its address cannot be understood")]
    Address,
    #[error("the folder of its file is not there and cannot be made")]
    Folder,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("the server refuses the user name or the password")]
    AccessDenied,
    /// The server has none of this name.
    #[error("the server has no database of that name")]
    NoSuchDatabase,
    #[error("its file is not an SQLite database")]
    NotADatabase,
    /// It can be read only.
    #[error("it cannot be written to")]
    ReadOnly,
    #[error("it refuses a statement")]
    Statement,
    /// A start would fail on it.
    #[error("{0}")]
    Migration(String),
    /// What stands before the server cannot be worked with.
    #[error("{0}")]
    Pooler(String),
}

/// Opens what is there.
///
/// # Errors
/// Says why it cannot be used.
pub async fn probe(url: &str) -> Result<Probe, ProbeError> {
    match Backend::of(url).map_err(|_| ProbeError::Address)? {
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => Ok(match sqlite::probe(url, PATIENCE).await.map_err(start_error)? {
            sqlite::Found::Nothing => Probe::Missing,
            sqlite::Found::NoFolder => return Err(ProbeError::Folder),
            sqlite::Found::InMemory => Probe::InMemory,
            sqlite::Found::File(pool) => Probe::Database(Db::Sqlite(pool)),
        }),
        #[cfg(feature = "postgres")]
        Backend::Postgres => {
            let pool = postgres::probe(url, PATIENCE).await.map_err(start_error)?;
            Ok(Probe::Database(Db::Postgres(pool)))
        }
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        other => Err(start_error(other.left_out())),
    }
}

impl Db {
    /// How the tables stand to the migrations that we know of.
    ///
    /// # Errors
    /// Says why it cannot be told.
    pub async fn migrations(&self) -> Result<MigrationStatus, ProbeError> {
        let rows = match self.fetch_all(APPLIED, params![], applied_row).await {
            Err(Error::Statement(sqlx::Error::Database(refused)))
                if is_no_such_table(&*refused) =>
            {
                Vec::new()
            }
            Err(Error::Statement(error) | Error::Unavailable(error)) => {
                return Err(probe_error(error));
            }
            rows => rows.map_err(|_| ProbeError::Statement)?,
        };
        Ok(judge(&rows))
    }
}

fn is_no_such_table(refused: &dyn sqlx::error::DatabaseError) -> bool {
    refused.code().as_deref() == Some("42P01") || refused.message().contains("no such table")
}

/// Why a start would fail.
fn start_error(error: Error) -> ProbeError {
    match error {
        Error::Unavailable(error) | Error::Statement(error) => probe_error(error),
        Error::Url(_) => ProbeError::Address,
        Error::Pooler(why) => ProbeError::Pooler(why.to_owned()),
        error => ProbeError::Migration(error.to_string()),
    }
}

fn probe_error(error: sqlx::Error) -> ProbeError {
    let sqlx::Error::Database(refused) = &error else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => ProbeError::Unreachable,
            _ => ProbeError::Statement,
        };
    };
    match refused.code().as_deref().unwrap_or_default() {
        // A pooler refuses a parameter, and says which.
        "08P01" => ProbeError::Pooler(refused.message().to_owned()),
        code => by_code(code),
    }
}

/// What a database's own code means: SQLSTATE, or SQLite's number.
fn by_code(code: &str) -> ProbeError {
    match code {
        "28P01" | "28000" => return ProbeError::AccessDenied,
        "3D000" => return ProbeError::NoSuchDatabase,
        "25006" => return ProbeError::ReadOnly,
        _ => {}
    }
    match code.parse::<u32>() {
        // SQLite keeps the primary code in the low byte of an extended one.
        Ok(code) if code < 10_000 => match code & 0xff {
            5 | 6 | 10 | 13 => ProbeError::Unreachable,
            8 => ProbeError::ReadOnly,
            14 => ProbeError::Folder,
            26 => ProbeError::NotADatabase,
            _ => ProbeError::Statement,
        },
        _ if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            ProbeError::Unreachable
        }
        _ => ProbeError::Statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_put_into_words() {
        for (code, expected) in [
            ("28P01", ProbeError::AccessDenied),
            ("3D000", ProbeError::NoSuchDatabase),
            ("25006", ProbeError::ReadOnly),
            ("57P03", ProbeError::Unreachable),
            ("53300", ProbeError::Unreachable),
            ("42P01", ProbeError::Statement),
            ("26", ProbeError::NotADatabase),
            ("8", ProbeError::ReadOnly),
            ("1032", ProbeError::ReadOnly), // SQLITE_READONLY_DBMOVED
            ("14", ProbeError::Folder),
            ("", ProbeError::Statement),
        ] {
            assert_eq!(by_code(code), expected, "{code}");
        }
    }
}
