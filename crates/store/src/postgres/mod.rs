//! PostgreSQL: its connections, and detecting a pooler in front of it.

mod servers;

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use sqlx::migrate::{Migrate as _, MigrateError};
use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Transaction};
use tokio::time::timeout;

use self::servers::RESPONSE_TIMEOUT;
pub(crate) use self::servers::Servers;
use crate::error::timed_out;
use crate::limits::Limits;
use crate::migrations::{
    self, APPLIED, AppliedMigration, MIGRATIONS, MigrationStatus, SQLX_MIGRATIONS,
    adopt_sqlx_migrations, status,
};
use crate::pool::{self, Driver, Pool};
use crate::{Error, Result};

/// A connection that was idle for longer is pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Poolers and load balancers need new connections from time to time.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

const UNSUPPORTED_POOLER: &str = "it leads to a pooler in transaction mode that forgets prepared statements, \
    like PgBouncer before 1.21: use its session mode (pool_mode = session)";

pub(crate) async fn open(url: &str, limits: Limits) -> Result<Pool<PostgresManager>> {
    let servers = Servers::of(url, limits.timeout)?;
    let connect = async {
        let mut connection = servers.connect().await?;
        let has_pooler = check_pooler(&mut connection, &servers).await?;
        Ok::<_, Error>((connection, has_pooler))
    };
    let connected = timeout(limits.timeout, connect).await;
    let (mut connection, has_pooler) = connected.unwrap_or_else(|_| Err(timed_out().into()))?;
    migrate(&mut connection).await?;
    connection.close().await?;
    let manager = PostgresManager::new(servers, has_pooler, limits.timeout);
    pool::new(manager, limits.connections)
}

/// Like [`open`], but changes nothing.
pub(crate) async fn probe(url: &str, limit: Duration) -> Result<Pool<PostgresManager>> {
    let servers = Servers::of(url, limit)?;
    // Without a limit, connecting to an unreachable host takes minutes.
    let connected = timeout(limit, servers.connect()).await;
    let mut connection = connected.unwrap_or_else(|_| Err(timed_out()))?;
    let has_pooler = check_pooler(&mut connection, &servers).await?;
    dry_run_migrations(&mut connection).await?;
    connection.close().await?;
    pool::new(PostgresManager::new(servers, has_pooler, limit), 1)
}

/// Whether there is a pooler in transaction mode.
///
/// # Errors
/// [`Error::Pooler`] when it does not support prepared statements.
async fn check_pooler(connection: &mut PgConnection, servers: &Servers) -> Result<bool> {
    const PREPARED: &str = "SELECT 1 AS one";
    if !servers.have_transaction_pooler(connection).await? {
        return Ok(false);
    }
    let mut other = servers.connect().await?;
    let prepared = async {
        sqlx::query(PREPARED).execute(&mut *connection).await?;
        let mut transaction = other.begin().await?;
        // On the same server process, a statement with this name exists already.
        sqlx::query(PREPARED).execute(&mut *transaction).await?;
        // If the pooler has only one server connection, this waits for the transaction.
        let query = sqlx::query(PREPARED).execute(&mut *connection);
        timeout(RESPONSE_TIMEOUT, query).await.map_or(Ok(()), |outcome| outcome.map(drop))
    };
    let prepared: sqlx::Result<()> = prepared.await;
    other.close().await?;
    let code = |error: &sqlx::Error| Some(error.as_database_error()?.code()?.into_owned());
    match prepared {
        // invalid_sql_statement_name, duplicate_prepared_statement
        Err(error) if matches!(code(&error).as_deref(), Some("26000" | "42P05")) => {
            Err(Error::Pooler(UNSUPPORTED_POOLER))
        }
        prepared => Ok(prepared.map(|()| true)?),
    }
}

/// The number is arbitrary, but the same in every version.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7275374852117)";

/// Runs pending migrations in one transaction, without a time limit. If none are pending,
/// the user needs no right to create tables.
async fn migrate(connection: &mut PgConnection) -> Result<()> {
    match current_status(connection).await {
        MigrationStatus::UpToDate(_) => return Ok(()),
        MigrationStatus::Newer { theirs, ours } => {
            tracing::warn!(
                "a newer version has migrated the database to {theirs}; this one knows the migrations up to {ours}"
            );
            return Ok(());
        }
        _ => {}
    }
    Ok(run_pending(connection).await?.commit().await?)
}

/// Runs pending migrations and rolls them back.
async fn dry_run_migrations(connection: &mut PgConnection) -> Result<()> {
    if let MigrationStatus::Pending(_) = current_status(connection).await {
        run_pending(connection).await?.rollback().await?;
    }
    Ok(())
}

/// Before the first start there is no table of migrations.
async fn current_status(connection: &mut PgConnection) -> MigrationStatus {
    let applied = sqlx::query_as::<_, AppliedMigration>(APPLIED).fetch_all(connection).await;
    status(&applied.unwrap_or_default())
}

/// Returns the open transaction in which the pending migrations ran.
async fn run_pending(connection: &mut PgConnection) -> Result<Transaction<'_, Postgres>> {
    let run = async move {
        // Queried before the transaction, which a missing table would abort.
        let earlier = sqlx::query_as::<_, AppliedMigration>(SQLX_MIGRATIONS);
        let earlier = earlier.fetch_all(&mut *connection).await;
        let mut tx = connection.begin().await?;
        sqlx::raw_sql(MIGRATION_LOCK).execute(&mut *tx).await?;
        if earlier.is_ok() {
            adopt_sqlx_migrations!(&mut *tx);
        }
        // The future of `run` is not provably `Send`.
        MIGRATIONS.run_direct(None, &mut *tx, false).await?;
        Ok::<_, MigrateError>(tx)
    };
    run.await.map_err(|error| migrations::migration_error(error, position))
}

fn position(error: &sqlx::Error) -> Option<usize> {
    let refused = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    match refused.position()? {
        PgErrorPosition::Original(position) => Some(position),
        PgErrorPosition::Internal { .. } => None,
    }
}

#[derive(Debug)]
pub struct PostgresManager {
    pub(crate) servers: Servers,
    timeout: Duration,
    /// See [`Servers::have_transaction_pooler`].
    pub(crate) has_transaction_pooler: bool,
    /// Run on each new connection.
    settings: String,
}

impl PostgresManager {
    /// The server's timeouts match ours, and keepalives tell it when this process is gone.
    pub(crate) fn new(servers: Servers, has_transaction_pooler: bool, timeout: Duration) -> Self {
        let limit = timeout.as_millis();
        let settings = format!(
            "SET statement_timeout = {limit}; \
             SET idle_in_transaction_session_timeout = {limit}; SET tcp_keepalives_idle = 30; \
             SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
        );
        Self { servers, timeout, has_transaction_pooler, settings }
    }
}

impl Driver for PostgresManager {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn remove_limits(&self) -> Option<&'static str> {
        let settings = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
        (!self.has_transaction_pooler).then_some(settings)
    }
}

impl Manager for PostgresManager {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.servers.connect().await?;
        // Behind a transaction pooler, the settings would apply to other clients.
        if !self.has_transaction_pooler {
            sqlx::raw_sql(AssertSqlSafe(self.settings.clone())).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    async fn recycle(
        &self,
        connection: &mut PgConnection,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if metrics.age() > MAX_AGE {
            return Err(RecycleError::message("it has reached its maximum age"));
        }
        if metrics.last_used() > PING_AFTER_IDLE {
            timeout(PING_TIMEOUT, connection.ping()).await.unwrap_or_else(|_| Err(timed_out()))?;
        }
        Ok(())
    }
}
