//! Checks whether the database can be used, without creating a file or running a migration.

use std::time::Duration;

use latchkey_domain::Timestamp;

use crate::migrations::{APPLIED, AppliedMigration, MigrationStatus, status};
#[cfg(feature = "postgres")]
use crate::postgres;
#[cfg(feature = "sqlite")]
use crate::sqlite::{self, SqliteProbe};
use crate::values::{Row, params};
use crate::{Backend, Db, Error};

impl Db {
    /// Checks that the database answers, is writable, and has all migrations.
    pub async fn ready(&self) -> Result<(), Error> {
        let (applied, write) = match self.backend() {
            // The write that changes nothing but needs disk space.
            Backend::Sqlite => (APPLIED, Some("PRAGMA user_version = 0")),
            // `FOR SHARE` is a write, which a standby refuses.
            Backend::Postgres => (APPLIED_AND_WRITABLE, None),
        };
        let rows = self.fetch_all(applied, params![], applied_migration).await?;
        if let Some(write) = write {
            self.execute(write, params![]).await?;
        }
        match status(&rows) {
            MigrationStatus::UpToDate(_) | MigrationStatus::Newer { .. } => Ok(()),
            _ => Err(Error::Unreadable("list of migrations")),
        }
    }
}

const CLOCK: &str =
    "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT) AS now";

impl Db {
    /// The server's clock; `None` for SQLite.
    pub async fn clock(&self) -> Result<Option<Timestamp>, Error> {
        match self.backend() {
            Backend::Sqlite => Ok(None),
            Backend::Postgres => self.fetch_optional(CLOCK, params![], |row| row.get("now")).await,
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(5);

const APPLIED_AND_WRITABLE: &str =
    "SELECT version, success, checksum FROM _latchkey_migrations ORDER BY version FOR SHARE";

fn applied_migration(row: &Row<'_>) -> Result<AppliedMigration, Error> {
    Ok((row.get("version")?, row.get("success")?, row.get("checksum")?))
}

/// What is at the database URL.
#[derive(Debug)]
pub enum Probe {
    /// No file yet: the first start creates it.
    Missing,
    /// Every start creates it anew, so there is nothing to check.
    InMemory,
    Database(Db),
}

/// Why the database cannot be used. The messages do not contain the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    #[error("its URL is not valid")]
    Address,
    #[error("the folder of its file does not exist and cannot be created")]
    Folder,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("the server refuses the user name or the password")]
    AccessDenied,
    #[error("the server has no database of that name")]
    NoSuchDatabase,
    #[error("its file is not an SQLite database")]
    NotADatabase,
    #[error("it cannot be written to")]
    ReadOnly,
    #[error("it refuses a statement")]
    Statement,
    #[error("{0}")]
    Migration(String),
    #[error("{0}")]
    Pooler(String),
}

/// Opens the database at this URL, if there is one.
pub async fn probe(url: &str) -> Result<Probe, ProbeError> {
    match Backend::of(url)? {
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => match sqlite::probe(url, TIMEOUT).await? {
            SqliteProbe::Missing => Ok(Probe::Missing),
            SqliteProbe::MissingFolder => Err(ProbeError::Folder),
            SqliteProbe::InMemory => Ok(Probe::InMemory),
            SqliteProbe::File(pool) => Ok(Probe::Database(Db::Sqlite(pool))),
        },
        #[cfg(feature = "postgres")]
        Backend::Postgres => {
            Ok(Probe::Database(Db::Postgres(postgres::probe(url, TIMEOUT).await?)))
        }
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        other => Err(other.not_built_in().into()),
    }
}

impl Db {
    /// Which of our migrations the database has.
    pub async fn migrations(&self) -> Result<MigrationStatus, ProbeError> {
        let rows = match self.fetch_all(APPLIED, params![], applied_migration).await {
            Err(Error::Statement(sqlx::Error::Database(refused)))
                if is_no_such_table(&*refused) =>
            {
                Vec::new()
            }
            Err(Error::Statement(error) | Error::Unavailable(error)) => {
                return Err(error.into());
            }
            rows => rows.map_err(|_| ProbeError::Statement)?,
        };
        Ok(status(&rows))
    }
}

fn is_no_such_table(refused: &dyn sqlx::error::DatabaseError) -> bool {
    refused.code().as_deref() == Some("42P01") || refused.message().contains("no such table")
}

impl From<Error> for ProbeError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(error) | Error::Statement(error) => error.into(),
            Error::Url(_) => Self::Address,
            Error::Pooler(why) => Self::Pooler(why.to_owned()),
            error => Self::Migration(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for ProbeError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(refused) => {
                match refused.code().as_deref().unwrap_or_default() {
                    // A pooler refuses a parameter; its message names it.
                    "08P01" => Self::Pooler(refused.message().to_owned()),
                    code => by_code(code),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => Self::Unreachable,
            _ => Self::Statement,
        }
    }
}

/// The meaning of an SQLSTATE, or of an SQLite result code.
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
    fn database_codes_map_to_probe_errors() {
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
