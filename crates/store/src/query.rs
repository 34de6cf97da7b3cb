//! Runs statements and reads their rows, on either database.
//!
//! A store function passes a statement, its [`params!`](crate::values::params), and a
//! function that reads a [`Row`]. Every statement is counted ([`crate::count`]).

use std::future::Future;
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::TryStreamExt as _;
use sqlx::{Database, Either, Encode, Executor as _, Type};
use tokio::time::{Instant, timeout, timeout_at};

use crate::db::on;
use crate::error::timed_out;
use crate::pool::{self, Driver as _, InlineRead};
#[cfg(feature = "postgres")]
use crate::postgres::PostgresManager;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteManager;
use crate::values::{Row, Value};
use crate::{Backend, Db, Error, Result, count};

/// How long a request waits for another inline read: many times what one takes, and longer than
/// the operating system suspends the thread that reads. The pool's threads would compete with it.
const INLINE_READ_WAIT: Duration = Duration::from_millis(10);

type Query<'q, DB> = sqlx::query::Query<'q, DB, <DB as Database>::Arguments>;

fn query<'q, DB: Database>(statement: &'static str, params: &[Value<'_>]) -> Query<'q, DB>
where
    for<'t> Option<&'t str>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
{
    params.iter().fold(sqlx::query(statement), |query, param| match param {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Number(number) => query.bind(*number),
    })
}

struct QueryResult<T> {
    rows_affected: u64,
    rows: Vec<T>,
}

#[derive(Debug)]
pub(crate) enum PooledConnection {
    #[cfg(feature = "sqlite")]
    Sqlite(Object<SqliteManager>),
    #[cfg(feature = "postgres")]
    Postgres(Object<PostgresManager>),
}

impl PooledConnection {
    pub(crate) const fn backend(&self) -> Backend {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Backend::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    pub(crate) async fn command(&mut self, command: &'static str) -> Result<()> {
        on!(Self, self, |connection| sqlx::raw_sql(command)
            .execute(&mut **connection)
            .await
            .map(drop)?);
        Ok(())
    }

    async fn run<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<QueryResult<T>> {
        let (mut rows_affected, mut rows) = (0, Vec::new());
        on!(Self, self, |connection| {
            let mut results = (&mut **connection).fetch_many(query(statement, params));
            while let Some(result) = results.try_next().await? {
                match result {
                    Either::Left(done) => rows_affected += done.rows_affected(),
                    Either::Right(row) => rows.push(read(&Row::from(&row))),
                }
            }
        });
        Ok(QueryResult { rows_affected, rows: rows.into_iter().collect::<Result<_>>()? })
    }

    fn close(self) {
        on!(Self, self, |connection| drop(Object::take(connection)));
    }

    async fn roll_back(mut self, limit: Duration) {
        if !matches!(timeout(limit, self.command("ROLLBACK")).await, Ok(Ok(()))) {
            self.close();
        }
    }
}

/// A connection taken from the pool. It goes back only if it is usable: not with a
/// pending response or an unreachable server, and only after an open transaction is
/// rolled back.
#[derive(Debug)]
struct CheckedOutConnection {
    connection: Option<PooledConnection>,
    /// A statement was sent whose response was not read, or was [`Error::Unavailable`].
    response_pending: bool,
    in_transaction: bool,
    timeout: Duration,
}

impl CheckedOutConnection {
    /// Pass the outcome of the statement to [`Self::record_outcome`].
    fn begin_statement(&mut self) -> Result<&mut PooledConnection> {
        self.response_pending = true;
        self.connection.as_mut().ok_or_else(|| sqlx::Error::WorkerCrashed.into())
    }

    fn record_outcome<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.response_pending = matches!(outcome, Err(Error::Unavailable(_)));
        outcome
    }

    async fn command(&mut self, command: &'static str) -> Result<()> {
        let outcome = self.begin_statement()?.command(command).await;
        self.record_outcome(outcome)
    }

    async fn run<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<QueryResult<T>> {
        let outcome = self.begin_statement()?.run(statement, params, read).await;
        self.record_outcome(outcome)
    }
}

impl Drop for CheckedOutConnection {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.response_pending {
            connection.close();
        } else if self.in_transaction {
            tokio::spawn(connection.roll_back(self.timeout));
        }
    }
}

/// A transaction, rolled back unless it is committed before the deadline.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: CheckedOutConnection,
    deadline: Instant,
}

/// Runs and counts one statement, [`Error::Unavailable`] after the deadline.
async fn count_until<T>(
    deadline: Instant,
    statement: impl Future<Output = Result<T>>,
) -> Result<T> {
    let result = timeout_at(deadline, count::one(statement)).await;
    result.unwrap_or_else(|_| Err(timed_out().into()))
}

impl Db {
    /// The limit for a statement, or for a transaction as a whole.
    fn timeout(&self) -> Duration {
        on!(Self, self, |pool| pool.manager().timeout())
    }

    pub(crate) async fn pooled_connection(&self) -> Result<PooledConnection> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => PooledConnection::Sqlite(pool::get(pool).await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => PooledConnection::Postgres(pool::get(pool).await?),
        })
    }

    async fn check_out(&self) -> Result<CheckedOutConnection> {
        Ok(CheckedOutConnection {
            connection: Some(self.pooled_connection().await?),
            response_pending: false,
            in_transaction: false,
            timeout: self.timeout(),
        })
    }

    async fn run<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<QueryResult<T>> {
        let deadline = Instant::now() + self.timeout();
        let query = async { self.check_out().await?.run(statement, params, read).await };
        count_until(deadline, query).await
    }

    /// Returns the number of rows affected.
    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        Ok(self.run(statement, params, |_| Ok(())).await?.rows_affected)
    }

    pub(crate) async fn fetch_all<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self.run(statement, params, read).await?.rows)
    }

    pub(crate) async fn fetch_optional<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.run(statement, params, read).await?.rows.into_iter().next())
    }

    /// Reads at most one row by an index. SQLite is read on the current thread if it is
    /// free ([`crate::sqlite`]). Not for statements that write: the outcome of their commit
    /// would be lost.
    pub(crate) async fn read_optional<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let deadline = Instant::now() + self.timeout();
        let query = async {
            let start = Instant::now();
            loop {
                match self.read_inline(statement, params, &read) {
                    InlineRead::Done(row) => return row,
                    // Yields to other tasks: a timer would take longer than the read.
                    InlineRead::Busy if start.elapsed() < INLINE_READ_WAIT => {
                        tokio::task::yield_now().await;
                    }
                    InlineRead::Busy | InlineRead::Unavailable => break,
                }
            }
            // Boxed, because this large future is rarely needed.
            let query =
                Box::pin(async { self.check_out().await?.run(statement, params, read).await });
            Ok(query.await?.rows.into_iter().next())
        };
        count_until(deadline, query).await
    }

    fn read_inline<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> InlineRead<Result<Option<T>>> {
        on!(Self, self, |pool| {
            if pool.is_closed() {
                return InlineRead::Unavailable;
            }
            pool.manager().read_inline(statement, params, read)
        })
    }

    /// SQLite uses `BEGIN IMMEDIATE`: a transaction that reads before it writes would
    /// otherwise fail instead of wait when another one writes in between.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let begin = match self.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        let deadline = Instant::now() + self.timeout();
        let transaction = async {
            let mut connection = self.check_out().await?;
            connection.command(begin).await?;
            connection.in_transaction = true;
            Ok(Transaction { connection, deadline })
        };
        count_until(deadline, transaction).await
    }
}

impl Transaction {
    async fn run<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<QueryResult<T>> {
        count_until(self.deadline, self.connection.run(statement, params, read)).await
    }

    /// Returns the number of rows affected.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        Ok(self.run(statement, params, |_| Ok(())).await?.rows_affected)
    }

    pub(crate) async fn fetch_all<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self.run(statement, params, read).await?.rows)
    }

    pub(crate) async fn fetch_optional<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.run(statement, params, read).await?.rows.into_iter().next())
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        count_until(self.deadline, self.connection.command("COMMIT")).await?;
        self.connection.in_transaction = false;
        Ok(())
    }
}
