//! Open connections, and what one has to prove before it is used again.
//!
//! deadpool's, not sqlx's own: that one asks each connection after each statement
//! whether it is well, which is another round trip.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use deadpool::managed::{self, Manager, Metrics, QueueMode, RecycleError, RecycleResult};
use rusqlite::{Row, ToSql};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection};
use tokio::time::timeout;

use crate::Result;
use crate::error::silent;
use crate::servers::Servers;
use crate::sqlite_reader::SqliteReader;

/// A connection to PostgreSQL that nobody has used for so long is asked first
/// whether it still leads anywhere…
const FRESH: Duration = Duration::from_secs(1);

/// …and has so long to answer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How old a connection becomes: poolers and balancers expect to see new ones.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

pub type Pool<M> = managed::Pool<M>;

pub(crate) fn new<M: Manager>(manager: M, connections: u32) -> Result<Pool<M>> {
    let config = managed::PoolConfig {
        max_size: usize::try_from(connections).unwrap_or(1),
        // Whoever asks has a deadline for the statement as a whole.
        timeouts: managed::Timeouts::default(),
        queue_mode: QueueMode::Lifo,
    };
    let built = Pool::builder(manager).config(config).build();
    built.map_err(|error| sqlx::Error::Configuration(error.into()).into())
}

pub(crate) async fn get<M: Manager<Error = sqlx::Error>>(
    pool: &Pool<M>,
) -> sqlx::Result<managed::Object<M>> {
    pool.get().await.map_err(|error| match error {
        managed::PoolError::Backend(error) => error,
        managed::PoolError::Closed => sqlx::Error::PoolClosed,
        _ => sqlx::Error::PoolTimedOut,
    })
}

pub(crate) async fn close<M: Manager<Type: Connection>>(pool: &Pool<M>) {
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    for one in idle {
        // It is gone in either case.
        let _ = one.close().await;
    }
}

#[derive(Debug)]
pub struct SqliteManager {
    pub(crate) options: SqliteConnectOptions,
    pub(crate) patience: Duration,
    file: Option<FileId>,
    pub(crate) reader: SqliteReader,
}

/// Which file this is, whatever its name.
type FileId = (u64, u64);

impl SqliteManager {
    pub(crate) fn new(options: SqliteConnectOptions, patience: Duration) -> Self {
        let file = options.get_filename();
        let (file, reader) = (identity(file), SqliteReader::new(file));
        Self { options, patience, file, reader }
    }

    /// As [`SqliteReader::read`]; `None` for a file that was deleted or replaced, too,
    /// and for a database in memory.
    pub(crate) fn read<T>(
        &self,
        statement: &'static str,
        params: &[impl ToSql],
        read: impl FnOnce(&Row<'_>) -> T,
    ) -> Option<Option<T>> {
        if self.file.is_some() && self.is_there() {
            self.reader.read(statement, params, read)
        } else {
            None
        }
    }

    /// A file that was deleted goes on taking everything, and loses it at the end.
    fn is_there(&self) -> bool {
        identity(self.options.get_filename()) == self.file
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

#[derive(Debug)]
pub struct PostgresManager {
    pub(crate) servers: Servers,
    pub(crate) patience: Duration,
    /// A pooler in transaction mode stands in between ([`Servers::are_shared`]).
    pub(crate) shared: bool,
    /// What each connection begins with.
    settings: String,
}

impl PostgresManager {
    /// The server gives up what we have given up, and notices when we are gone.
    pub(crate) fn new(servers: Servers, shared: bool, patience: Duration) -> Self {
        let limit = patience.as_millis();
        let settings = format!(
            "SET statement_timeout = {limit}; \
             SET idle_in_transaction_session_timeout = {limit}; SET tcp_keepalives_idle = 30; \
             SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
        );
        Self { servers, patience, shared, settings }
    }
}

impl Manager for PostgresManager {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        let mut one = self.servers.connect().await?;
        // They would be left behind for whoever has that server next.
        if !self.shared {
            sqlx::raw_sql(AssertSqlSafe(self.settings.clone())).execute(&mut one).await?;
        }
        Ok(one)
    }

    async fn recycle(&self, one: &mut PgConnection, past: &Metrics) -> RecycleResult<sqlx::Error> {
        if past.age() > MAX_AGE {
            return Err(RecycleError::message("it is old"));
        }
        if past.last_used() > FRESH {
            timeout(SIGN_OF_LIFE, one.ping()).await.unwrap_or_else(|_| Err(silent()))?;
        }
        Ok(())
    }
}
