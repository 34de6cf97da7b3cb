//! The database handle: SQLite or PostgreSQL.

use crate::limits::Limits;
use crate::pool::{self, Pool};
#[cfg(feature = "postgres")]
use crate::postgres::{self, PostgresManager};
#[cfg(feature = "sqlite")]
use crate::sqlite::{self, SqliteManager};
use crate::{Error, Result};

#[derive(Clone, Debug)]
pub enum Db {
    #[cfg(feature = "sqlite")]
    Sqlite(Pool<SqliteManager>),
    #[cfg(feature = "postgres")]
    Postgres(Pool<PostgresManager>),
}

/// Expands the same code for both databases, whose types differ.
macro_rules! on {
    ($kind:ident, $value:expr, |$inner:ident| $body:expr) => {
        match $value {
            #[cfg(feature = "sqlite")]
            $kind::Sqlite($inner) => $body,
            #[cfg(feature = "postgres")]
            $kind::Postgres($inner) => $body,
        }
    };
}
pub(crate) use on;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// # Errors
    /// [`Error::Url`], also when this program was built without that database.
    pub fn of(url: &str) -> Result<Self> {
        let backend = match url.split_once(':') {
            Some(("sqlite", file)) if file.trim_start_matches('/').starts_with('~') => {
                Err(Error::Url("does not know ~, which only shells replace".to_owned()))
            }
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) if names_hosts_in_query(url) => {
                let why = "names several hosts in its query: name them before the path";
                Err(Error::Url(why.to_owned()))
            }
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            _ => Err(Error::Url("does not start with sqlite: or postgres:".to_owned())),
        }?;
        if backend.is_built_in() { Ok(backend) } else { Err(backend.not_built_in()) }
    }

    const fn is_built_in(self) -> bool {
        match self {
            Self::Sqlite => cfg!(feature = "sqlite"),
            Self::Postgres => cfg!(feature = "postgres"),
        }
    }

    pub(crate) fn not_built_in(self) -> Error {
        let (database, feature) = match self {
            Self::Sqlite => ("SQLite", "sqlite"),
            Self::Postgres => ("PostgreSQL", "postgres"),
        };
        Error::Url(format!(
            "leads to {database}, but this program was built without the feature `{feature}`"
        ))
    }
}

impl Db {
    /// [`Self::open_with`] the default limits.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, Limits::default()).await
    }

    /// Opens the database and runs the migrations. Creates a missing SQLite file.
    pub async fn open_with(url: &str, limits: Limits) -> Result<Self> {
        match Backend::of(url)? {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite => Ok(Self::Sqlite(sqlite::open(url, limits).await?)),
            #[cfg(feature = "postgres")]
            Backend::Postgres => Ok(Self::Postgres(postgres::open(url, limits).await?)),
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            other => Err(other.not_built_in()),
        }
    }

    pub const fn backend(&self) -> Backend {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Backend::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    /// The number of open connections, and how many of them are idle.
    pub fn connections(&self) -> (u32, u32) {
        let status = on!(Self, self, |pool| pool.status());
        let number = |connections| u32::try_from(connections).unwrap_or(u32::MAX);
        (number(status.size), number(status.available))
    }

    /// Closes idle connections now, and the others after use.
    pub async fn close(&self) {
        on!(Self, self, |pool| pool::close(pool).await);
    }
}

/// libpq accepts several hosts here; sqlx does not.
fn names_hosts_in_query(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.starts_with("host=") && pair.contains([',', '%']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/features` runs it with one database each.
    #[test]
    fn error_names_the_database_not_built_in() {
        for (url, is_built_in, name) in [
            ("sqlite://x.db", cfg!(feature = "sqlite"), "SQLite"),
            ("postgres://host/x", cfg!(feature = "postgres"), "PostgreSQL"),
        ] {
            match Backend::of(url) {
                Ok(_) => assert!(is_built_in, "{url}"),
                Err(error) => {
                    assert!(!is_built_in, "{url}");
                    assert!(error.to_string().starts_with(&format!("leads to {name}, but")));
                }
            }
        }
    }
}
