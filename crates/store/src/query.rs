//! Sending a statement and reading its rows, whichever database it is.
//!
//! sqlx has types of its own for each database. This is the one place that
//! knows both: a store function passes a statement, its [`params!`], and a
//! function that reads a [`Row`]. Every statement is counted here
//! ([`crate::count`]).

use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

use deadpool::managed::Object;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::connection::{BrokenReason, Failure, Granted};
use latchkey_domain::identity::Subject;
use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{
    AuditId, ConnectionId, ContactId, DisplayName, Email, EventId, Roles, Scopes, SignInId,
    Timestamp, TraceId, UserId,
};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, ToSqlOutput, ValueRef};
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{Database, Decode, Encode, Row as _, Type};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::silent;
use crate::pool::{self, PostgresManager, SqliteManager};
use crate::{Db, Error, Result, count};

#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Text(Option<Cow<'v, str>>),
    Number(Option<i64>),
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Number(Some(number)) => ValueRef::Integer(*number),
            Self::Text(None) | Self::Number(None) => ValueRef::Null,
        }))
    }
}

/// Something that stands for a placeholder.
pub(crate) trait Param {
    /// PostgreSQL wants to know of what type a missing value would be.
    const NULL: Value<'static> = Value::Text(None);

    fn value(&self) -> Value<'_>;
}

/// Something that is read from a column.
pub(crate) trait Column: Sized {
    type Stored: Primitive;

    /// `None` when it cannot have been written by us.
    fn read(stored: Self::Stored) -> Option<Self>;
}

/// A type that is read from either database.
pub(crate) trait Primitive:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> + FromSql
{
}

impl<T> Primitive for T where
    T: for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
        + FromSql
{
}

/// The values of a statement's placeholders, in their order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::query::Param::value(&$value)),*] };
}
pub(crate) use params;

impl<T: Param + ?Sized> Param for &T {
    const NULL: Value<'static> = T::NULL;

    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: Param> Param for Option<T> {
    const NULL: Value<'static> = T::NULL;

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(T::NULL, T::value)
    }
}

impl<T: Column> Column for Option<T> {
    type Stored = Option<T::Stored>;

    fn read(stored: Self::Stored) -> Option<Self> {
        match stored {
            None => Some(None),
            Some(stored) => T::read(stored).map(Some),
        }
    }
}

macro_rules! param {
    ($($type:ty: |$value:ident| $text:expr;)*) => {$(
        impl Param for $type {
            fn value(&self) -> Value<'_> {
                let $value = self;
                Value::Text(Some($text.into()))
            }
        }
    )*};
}

param! {
    str: |text| text;
    String: |text| text;
    Subject: |subject| subject.as_str();
    Email: |email| email.as_str();
}

impl Column for Email {
    type Stored = String;

    fn read(stored: String) -> Option<Self> {
        Some(Self::stored(stored))
    }
}

/// What is stored as a text.
macro_rules! text {
    ($($type:ty $(: |$text:ident| $read:expr)?;)*) => {$(
        param! { $type: |value| value.to_string(); }

        impl Column for $type {
            type Stored = String;

            fn read(stored: String) -> Option<Self> {
                text!(@read stored $(, |$text| $read)?)
            }
        }
    )*};
    (@read $stored:ident) => { $stored.parse().ok() };
    (@read $stored:ident, |$text:ident| $read:expr) => {{ let $text = $stored; Some($read) }};
}

text! {
    Actor; AuditId; BrokenReason; ConnectionId; ContactId; SignInMethod; EventId; Failure; CredentialKind; Kind;
    Scopes; SignInId; TraceId; UserId;
    DisplayName: |name| Self::from(name);
    Granted: |scopes| Self::parse(&scopes);
    Roles: |names| Self::from(names.as_str());
}

/// What is stored as a number.
macro_rules! number {
    ($($type:ty: $write:expr;)*) => {$(
        impl Param for $type {
            const NULL: Value<'static> = Value::Number(None);

            fn value(&self) -> Value<'_> {
                Value::Number(Some($write(*self)))
            }
        }
    )*};
}

number! {
    Timestamp: Timestamp::as_millis;
    i64: i64::from;
    u32: i64::from;
}

impl Column for Timestamp {
    type Stored = i64;

    fn read(stored: i64) -> Option<Self> {
        Some(Self::from_millis(stored))
    }
}

macro_rules! as_it_is {
    ($($type:ty),*) => {$(
        impl Column for $type {
            type Stored = Self;

            fn read(stored: Self) -> Option<Self> {
                Some(stored)
            }
        }
    )*};
}

as_it_is!(String, i64, bool, Vec<u8>);

#[derive(Debug)]
pub(crate) enum Row<'r> {
    Sqlite(SqliteRow),
    SqliteInPlace(&'r rusqlite::Row<'r>),
    Postgres(PgRow),
}

impl Row<'_> {
    /// # Errors
    /// [`Error::Unreadable`] when the column holds what we cannot have written.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T> {
        let stored: std::result::Result<T::Stored, _> = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::SqliteInPlace(row) => {
                let stored = row.get(column).map_err(|_| Error::Unreadable(column))?;
                return T::read(stored).ok_or(Error::Unreadable(column));
            }
            Self::Postgres(row) => row.try_get(column),
        };
        match stored {
            Ok(stored) => T::read(stored).ok_or(Error::Unreadable(column)),
            Err(sqlx::Error::ColumnDecode { .. }) => Err(Error::Unreadable(column)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The connection that sends a statement.
enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

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

/// What is asked of the database.
enum Ask<'a> {
    Command(&'static str),
    /// How many rows it touches.
    Execute(&'static str, &'a [Value<'a>]),
    Rows(&'static str, &'a [Value<'a>]),
    /// At most one row of a statement that only reads.
    Row(&'static str, &'a [Value<'a>]),
}

struct Answer {
    touched: u64,
    rows: Vec<Row<'static>>,
}

impl Connection<'_> {
    async fn answer(self, ask: Ask<'_>) -> Result<Answer> {
        macro_rules! answer {
            ($one:ident, $row:expr) => {
                match ask {
                    Ask::Command(command) => {
                        sqlx::raw_sql(command).execute($one).await?;
                        Answer { touched: 0, rows: Vec::new() }
                    }
                    Ask::Execute(statement, params) => {
                        let done = query(statement, params).execute($one).await?;
                        Answer { touched: done.rows_affected(), rows: Vec::new() }
                    }
                    Ask::Rows(statement, params) => {
                        let rows = query(statement, params).fetch_all($one).await?;
                        Answer { touched: 0, rows: rows.into_iter().map($row).collect() }
                    }
                    Ask::Row(statement, params) => {
                        let row = query(statement, params).fetch_optional($one).await?;
                        Answer { touched: 0, rows: row.into_iter().map($row).collect() }
                    }
                }
            };
        }
        Ok(match self {
            Self::Sqlite(one) => answer!(one, Row::Sqlite),
            Self::Postgres(one) => answer!(one, Row::Postgres),
        })
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

#[derive(Debug)]
enum Pooled {
    Sqlite(Object<SqliteManager>),
    Postgres(Object<PostgresManager>),
}

impl Lent {
    fn connection(&mut self) -> Result<Connection<'_>> {
        match &mut self.pooled {
            Some(Pooled::Sqlite(one)) => Ok(Connection::Sqlite(one)),
            Some(Pooled::Postgres(one)) => Ok(Connection::Postgres(one)),
            None => Err(sqlx::Error::WorkerCrashed.into()),
        }
    }

    async fn answer(&mut self, ask: Ask<'_>) -> Result<Answer> {
        self.owes_answer = true;
        let answer = self.connection()?.answer(ask).await;
        self.owes_answer = matches!(answer, Err(Error::Unavailable(_)));
        answer
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

impl Pooled {
    fn close(self) {
        match self {
            Self::Sqlite(one) => drop(Object::take(one)),
            Self::Postgres(one) => drop(Object::take(one)),
        }
    }

    async fn roll_back(mut self, patience: Duration) {
        let connection = match &mut self {
            Self::Sqlite(one) => Connection::Sqlite(one),
            Self::Postgres(one) => Connection::Postgres(one),
        };
        match timeout(patience, connection.answer(Ask::Command("ROLLBACK"))).await {
            Ok(Ok(_)) => {}
            _ => self.close(),
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
        match self {
            Self::Sqlite(pool) => pool.manager().patience,
            Self::Postgres(pool) => pool.manager().patience,
        }
    }

    async fn lend(&self) -> Result<Lent> {
        let pooled = match self {
            Self::Sqlite(pool) => Pooled::Sqlite(pool::get(pool).await?),
            Self::Postgres(pool) => Pooled::Postgres(pool::get(pool).await?),
        };
        let (pooled, patience) = (Some(pooled), self.patience());
        Ok(Lent { pooled, owes_answer: false, in_transaction: false, patience })
    }

    async fn answer(&self, ask: Ask<'_>) -> Result<Answer> {
        let until = Instant::now() + self.patience();
        counted(until, async { self.lend().await?.answer(ask).await }).await
    }

    /// Says how many rows the statement touched.
    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        Ok(self.answer(Ask::Execute(statement, params)).await?.touched)
    }

    pub(crate) async fn fetch_all<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.answer(Ask::Rows(statement, params)).await?.rows.iter().map(read).collect()
    }

    pub(crate) async fn fetch_optional<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.answer(Ask::Rows(statement, params)).await?.rows.first().map(read).transpose()
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
            if let Self::Sqlite(pool) = self
                && !pool.is_closed()
                && let Some(row) =
                    pool.manager().read(statement, params, |row| read(&Row::SqliteInPlace(row)))
            {
                return row.transpose();
            }
            let answer = self.lend().await?.answer(Ask::Row(statement, params)).await?;
            answer.rows.first().map(read).transpose()
        };
        counted(until, asked).await
    }

    /// SQLite's begins `IMMEDIATE`: a transaction that reads first and writes
    /// later would otherwise fail, not wait, when another one wrote in between.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        };
        let until = Instant::now() + self.patience();
        let begun = async {
            let mut lent = self.lend().await?;
            lent.answer(Ask::Command(begin)).await?;
            lent.in_transaction = true;
            Ok(Transaction { lent, until })
        };
        counted(until, begun).await
    }
}

impl Transaction {
    async fn answer(&mut self, ask: Ask<'_>) -> Result<Answer> {
        counted(self.until, self.lent.answer(ask)).await
    }

    /// Says how many rows the statement touched.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        Ok(self.answer(Ask::Execute(statement, params)).await?.touched)
    }

    pub(crate) async fn fetch_all<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.answer(Ask::Rows(statement, params)).await?.rows.iter().map(read).collect()
    }

    pub(crate) async fn fetch_optional<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.answer(Ask::Rows(statement, params)).await?.rows.first().map(read).transpose()
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.answer(Ask::Command("COMMIT")).await?;
        self.lent.in_transaction = false;
        Ok(())
    }
}
