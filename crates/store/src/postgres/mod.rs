//! PostgreSQL: opening it, whatever stands in between, and its connections.

mod servers;

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use sqlx::migrate::{Migrate as _, MigrateError};
use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Transaction};
use tokio::time::timeout;

use self::servers::AT_ONCE;
pub(crate) use self::servers::Servers;
use crate::error::silent;
use crate::limits::Limits;
use crate::migrations::{
    self, APPLIED, Applied, LIST_BEFORE, MIGRATIONS, MigrationStatus, carry_over, judge,
};
use crate::pool::{self, Driver, Pool};
use crate::{Error, Result};

/// A connection to PostgreSQL that nobody has used for so long is asked first
/// whether it still leads anywhere…
const FRESH: Duration = Duration::from_secs(1);

/// …and has so long to answer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How old a connection becomes: poolers and balancers expect to see new ones.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

const POOLER: &str = "it leads to a pooler in transaction mode that forgets prepared statements, \
    like PgBouncer before 1.21: use its session mode (pool_mode = session)";

pub(crate) async fn open(url: &str, limits: Limits) -> Result<Pool<PostgresManager>> {
    let servers = Servers::of(url, limits.timeout)?;
    let first = async {
        let mut first = servers.connect().await?;
        let shared = check_pooler(&mut first, &servers).await?;
        Ok::<_, Error>((first, shared))
    };
    let first = timeout(limits.timeout, first).await;
    let (mut first, shared) = first.unwrap_or_else(|_| Err(silent().into()))?;
    migrate(&mut first).await?;
    first.close().await?;
    let manager = PostgresManager::new(servers, shared, limits.timeout);
    pool::new(manager, limits.connections)
}

/// What a start would find, with nothing changed.
pub(crate) async fn probe(url: &str, patience: Duration) -> Result<Pool<PostgresManager>> {
    let servers = Servers::of(url, patience)?;
    // A pool knocks again and again where nobody answers; this asks once. And
    // without a limit, a connection to nowhere takes minutes.
    let first = timeout(patience, servers.connect()).await;
    let mut first = first.unwrap_or_else(|_| Err(silent()))?;
    let shared = check_pooler(&mut first, &servers).await?;
    rehearse(&mut first).await?;
    first.close().await?;
    pool::new(PostgresManager::new(servers, shared, patience), 1)
}

/// Whether a pooler in transaction mode stands before the server.
///
/// # Errors
/// [`Error::Pooler`] when it is one that forgets prepared statements.
async fn check_pooler(one: &mut PgConnection, servers: &Servers) -> Result<bool> {
    const PREPARED: &str = "SELECT 1 AS one";
    if !servers.are_shared(one).await? {
        return Ok(false);
    }
    let mut somebody_else = servers.connect().await?;
    let prepared = async {
        sqlx::query(PREPARED).execute(&mut *one).await?;
        let mut busy = somebody_else.begin().await?;
        // Where it has the same server, there is a statement of this name already.
        sqlx::query(PREPARED).execute(&mut *busy).await?;
        // Where there is one server this has to wait.
        let again = timeout(AT_ONCE, sqlx::query(PREPARED).execute(&mut *one)).await;
        again.map_or(Ok(()), |again| again.map(drop))
    };
    let prepared: sqlx::Result<()> = prepared.await;
    somebody_else.close().await?;
    let code = |error: &sqlx::Error| Some(error.as_database_error()?.code()?.into_owned());
    match prepared {
        // invalid_sql_statement_name, duplicate_prepared_statement
        Err(error) if matches!(code(&error).as_deref(), Some("26000" | "42P05")) => {
            Err(Error::Pooler(POOLER))
        }
        prepared => Ok(prepared.map(|()| true)?),
    }
}

/// Any number, as long as every version takes the same.
const ALONE: &str = "SELECT pg_advisory_xact_lock(7275374852117)";

/// Runs what is missing on PostgreSQL, in one transaction, which may take its
/// time. Where nothing is, no right to create tables is needed.
async fn migrate(one: &mut PgConnection) -> Result<()> {
    // There is no list before the first start.
    let applied = sqlx::query_as::<_, Applied>(APPLIED).fetch_all(&mut *one).await;
    match judge(&applied.unwrap_or_default()) {
        MigrationStatus::UpToDate(_) => return Ok(()),
        MigrationStatus::Newer { theirs, ours } => {
            tracing::warn!(
                "a newer version has migrated the database to {theirs}; this one knows the migrations up to {ours}"
            );
            return Ok(());
        }
        _ => {}
    }
    Ok(migrated(one).await.map_err(|error| migrations::failed(error, position))?.commit().await?)
}

/// A transaction in which everything has been run.
async fn migrated(
    one: &mut PgConnection,
) -> std::result::Result<Transaction<'_, Postgres>, MigrateError> {
    // Asked before: a table that is not there would end the transaction.
    let before = sqlx::query_as::<_, Applied>(LIST_BEFORE).fetch_all(&mut *one).await;
    let mut tx = one.begin().await?;
    sqlx::raw_sql(ALONE).execute(&mut *tx).await?;
    if before.is_ok() {
        carry_over!(&mut *tx);
    }
    // `run` would not be seen to be `Send`.
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    Ok(tx)
}

/// Runs what is missing on PostgreSQL, and takes it back.
async fn rehearse(one: &mut PgConnection) -> Result<()> {
    let applied = sqlx::query_as::<_, Applied>(APPLIED).fetch_all(&mut *one).await;
    if let MigrationStatus::Pending(_) = judge(&applied.unwrap_or_default()) {
        migrated(one)
            .await
            .map_err(|error| migrations::failed(error, position))?
            .rollback()
            .await?;
    }
    Ok(())
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
    patience: Duration,
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

impl Driver for PostgresManager {
    fn patience(&self) -> Duration {
        self.patience
    }

    fn lift_limits(&self) -> Option<&'static str> {
        const LIFT: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
        (!self.shared).then_some(LIFT)
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
