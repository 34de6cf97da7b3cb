//! Sending a statement and reading its rows, whichever database it is.
//!
//! sqlx has types of its own for each database. A store function passes a
//! statement, its [`params!`](crate::values::params), and a function that reads a
//! [`Row`]. Every statement is counted here ([`crate::count`]).

use std::future::Future;
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::TryStreamExt as _;
use sqlx::{Database, Either, Encode, Executor as _, Type};
use tokio::time::{Instant, timeout, timeout_at};

use crate::db::on;
use crate::error::silent;
use crate::pool::{self, Driver as _, InPlace};
#[cfg(feature = "postgres")]
use crate::postgres::PostgresManager;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteManager;
use crate::values::{Row, Value};
use crate::{Backend, Db, Error, Result, count};

/// How long a request waits for another one that reads in place: many times what it needs.
const IN_PLACE_PATIENCE: Duration = Duration::from_millis(10);

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

struct Answer<T> {
    touched: u64,
    rows: Vec<T>,
}

#[derive(Debug)]
pub(crate) enum Pooled {
    #[cfg(feature = "sqlite")]
    Sqlite(Object<SqliteManager>),
    #[cfg(feature = "postgres")]
    Postgres(Object<PostgresManager>),
}

impl Pooled {
    pub(crate) const fn backend(&self) -> Backend {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Backend::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    pub(crate) async fn command(&mut self, command: &'static str) -> Result<()> {
        on!(Self, self, |one| sqlx::raw_sql(command).execute(&mut **one).await.map(drop)?);
        Ok(())
    }

    async fn answer<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Answer<T>> {
        let (mut touched, mut rows) = (0, Vec::new());
        on!(Self, self, |one| {
            let mut answer = (&mut **one).fetch_many(query(statement, params));
            while let Some(part) = answer.try_next().await? {
                match part {
                    Either::Left(done) => touched += done.rows_affected(),
                    Either::Right(row) => rows.push(read(&Row::from(&row))),
                }
            }
        });
        Ok(Answer { touched, rows: rows.into_iter().collect::<Result<_>>()? })
    }

    fn close(self) {
        on!(Self, self, |one| drop(Object::take(one)));
    }

    async fn roll_back(mut self, patience: Duration) {
        match timeout(patience, self.command("ROLLBACK")).await {
            Ok(Ok(())) => {}
            _ => self.close(),
        }
    }
}

/// A connection of the pool, which gets it back fit for use, or not at all: not
/// when an answer is still on its way, a transaction open, or its server silent.
#[derive(Debug)]
struct Lent {
    pooled: Option<Pooled>,
    /// A statement was sent, and not answered in a way that leaves the connection well.
    owes_answer: bool,
    in_transaction: bool,
    patience: Duration,
}

impl Lent {
    /// What is asked has to go through [`Self::heard`].
    fn ask(&mut self) -> Result<&mut Pooled> {
        self.owes_answer = true;
        self.pooled.as_mut().ok_or_else(|| sqlx::Error::WorkerCrashed.into())
    }

    fn heard<T>(&mut self, answer: Result<T>) -> Result<T> {
        self.owes_answer = matches!(answer, Err(Error::Unavailable(_)));
        answer
    }

    async fn command(&mut self, command: &'static str) -> Result<()> {
        let answer = self.ask()?.command(command).await;
        self.heard(answer)
    }

    async fn answer<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Answer<T>> {
        let answer = self.ask()?.answer(statement, params, read).await;
        self.heard(answer)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(pooled) = self.pooled.take() else { return };
        if self.owes_answer {
            pooled.close();
        } else if self.in_transaction {
            tokio::spawn(pooled.roll_back(self.patience));
        }
    }
}

/// A transaction, rolled back unless it is committed in time.
#[derive(Debug)]
pub(crate) struct Transaction {
    lent: Lent,
    until: Instant,
}

/// One question to the database, counted, and answered by then or given up.
async fn counted<T>(until: Instant, asked: impl Future<Output = Result<T>>) -> Result<T> {
    let answered = timeout_at(until, count::one(asked)).await;
    answered.unwrap_or_else(|_| Err(silent().into()))
}

impl Db {
    /// How long it may take over a statement, or over a transaction as a whole.
    fn patience(&self) -> Duration {
        on!(Self, self, |pool| pool.manager().patience())
    }

    pub(crate) async fn pooled(&self) -> Result<Pooled> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Pooled::Sqlite(pool::get(pool).await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Pooled::Postgres(pool::get(pool).await?),
        })
    }

    async fn lend(&self) -> Result<Lent> {
        let (pooled, patience) = (Some(self.pooled().await?), self.patience());
        Ok(Lent { pooled, owes_answer: false, in_transaction: false, patience })
    }

    async fn answer<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Answer<T>> {
        let until = Instant::now() + self.patience();
        counted(until, async { self.lend().await?.answer(statement, params, read).await }).await
    }

    /// Says how many rows the statement touched.
    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        Ok(self.answer(statement, params, |_| Ok(())).await?.touched)
    }

    pub(crate) async fn fetch_all<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self.answer(statement, params, read).await?.rows)
    }

    pub(crate) async fn fetch_optional<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.answer(statement, params, read).await?.rows.into_iter().next())
    }

    /// Reads at most one row, which an index leads to: with SQLite in this thread, if
    /// that goes at once. Not for statements that write: how their commit went would
    /// not be heard.
    pub(crate) async fn read_optional<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let until = Instant::now() + self.patience();
        let asked = async {
            let start = Instant::now();
            loop {
                match self.read_in_place(statement, params, &read) {
                    InPlace::Read(found) => return found,
                    // This thread answers others meanwhile: to put it to sleep and wake
                    // it would cost more than the reading.
                    InPlace::Busy if start.elapsed() < IN_PLACE_PATIENCE => {
                        tokio::task::yield_now().await;
                    }
                    InPlace::Busy | InPlace::Impossible => break,
                }
            }
            // What is large and rare has a box of its own.
            let answer =
                Box::pin(async { self.lend().await?.answer(statement, params, read).await });
            Ok(answer.await?.rows.into_iter().next())
        };
        counted(until, asked).await
    }

    fn read_in_place<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> InPlace<Result<Option<T>>> {
        on!(Self, self, |pool| {
            if pool.is_closed() {
                return InPlace::Impossible;
            }
            pool.manager().read(statement, params, read)
        })
    }

    /// SQLite's begins `IMMEDIATE`: a transaction that reads first and writes
    /// later would otherwise fail, not wait, when another one wrote in between.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let begin = match self.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        let until = Instant::now() + self.patience();
        let begun = async {
            let mut lent = self.lend().await?;
            lent.command(begin).await?;
            lent.in_transaction = true;
            Ok(Transaction { lent, until })
        };
        counted(until, begun).await
    }
}

impl Transaction {
    async fn answer<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Answer<T>> {
        counted(self.until, self.lent.answer(statement, params, read)).await
    }

    /// Says how many rows the statement touched.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        Ok(self.answer(statement, params, |_| Ok(())).await?.touched)
    }

    pub(crate) async fn fetch_all<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self.answer(statement, params, read).await?.rows)
    }

    pub(crate) async fn fetch_optional<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.answer(statement, params, read).await?.rows.into_iter().next())
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        counted(self.until, self.lent.command("COMMIT")).await?;
        self.lent.in_transaction = false;
        Ok(())
    }
}
