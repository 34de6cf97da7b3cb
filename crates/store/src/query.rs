//! Sending a statement and reading its rows, whichever database it is.
//!
//! sqlx has types of its own for each database. This is the one place that
//! knows both: a store function passes a statement, its [`params!`], and a
//! function that reads a [`Row`]. Every statement is counted here
//! ([`crate::count`]).

use std::borrow::Cow;

use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::connection::{BrokenReason, Failure, Granted};
use latchkey_domain::identity::Subject;
use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{
    AuditId, ConnectionId, ContactId, DisplayName, Email, EventId, Roles, Scopes, SignInId,
    Timestamp, TraceId, UserId,
};
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{Database, Decode, Encode, Row as _, Type};

use crate::{Db, Error, Result, count};

#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Text(Option<Cow<'v, str>>),
    Number(Option<i64>),
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

/// A type that sqlx reads from either database.
pub(crate) trait Primitive:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Primitive for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
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
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// # Errors
    /// [`Error::Unreadable`] when the column holds what we cannot have written.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T> {
        let stored: std::result::Result<T::Stored, _> = match self {
            Self::Sqlite(row) => row.try_get(column),
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

impl Connection<'_> {
    async fn execute(self, statement: &'static str, params: &[Value<'_>]) -> Result<u64> {
        Ok(match self {
            Self::Sqlite(one) => query(statement, params).execute(one).await?.rows_affected(),
            Self::Postgres(one) => query(statement, params).execute(one).await?.rows_affected(),
        })
    }

    async fn rows(self, statement: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        Ok(match self {
            Self::Sqlite(one) => {
                let rows = query(statement, params).fetch_all(one).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(one) => {
                let rows = query(statement, params).fetch_all(one).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    async fn row(self, statement: &'static str, params: &[Value<'_>]) -> Result<Option<Row>> {
        Ok(match self {
            Self::Sqlite(one) => {
                query(statement, params).fetch_optional(one).await?.map(Row::Sqlite)
            }
            Self::Postgres(one) => {
                query(statement, params).fetch_optional(one).await?.map(Row::Postgres)
            }
        })
    }
}

/// A transaction, rolled back unless it is committed.
#[derive(Debug)]
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Sends a statement through a connection of the pool, or of the transaction.
macro_rules! counted {
    ($on:expr, |$one:ident| $connection:expr, $send:ident($($argument:expr),*)) => {
        count::one(async {
            match $on {
                Self::Sqlite($one) => Connection::Sqlite($connection).$send($($argument),*).await,
                Self::Postgres($one) => Connection::Postgres($connection).$send($($argument),*).await,
            }
        })
        .await
    };
}

impl Db {
    /// Says how many rows the statement touched.
    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        counted!(self, |pool| &mut *pool.acquire().await?, execute(statement, params))
    }

    pub(crate) async fn fetch_all<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = counted!(self, |pool| &mut *pool.acquire().await?, rows(statement, params))?;
        rows.iter().map(read).collect()
    }

    pub(crate) async fn fetch_optional<T>(
        &self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        let row = counted!(self, |pool| &mut *pool.acquire().await?, row(statement, params))?;
        row.as_ref().map(read).transpose()
    }

    /// SQLite's begins `IMMEDIATE`: a transaction that reads first and writes
    /// later would otherwise fail, not wait, when another one wrote in between.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        Ok(match self {
            Self::Sqlite(pool) => {
                Transaction::Sqlite(count::one(pool.begin_with("BEGIN IMMEDIATE")).await?)
            }
            Self::Postgres(pool) => Transaction::Postgres(count::one(pool.begin()).await?),
        })
    }
}

impl Transaction {
    /// Says how many rows the statement touched.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64> {
        counted!(self, |one| &mut **one, execute(statement, params))
    }

    pub(crate) async fn fetch_all<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = counted!(self, |one| &mut **one, rows(statement, params))?;
        rows.iter().map(read).collect()
    }

    pub(crate) async fn fetch_optional<T>(
        &mut self,
        statement: &'static str,
        params: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        let row = counted!(self, |one| &mut **one, row(statement, params))?;
        row.as_ref().map(read).transpose()
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => count::one(transaction.commit()).await?,
            Self::Postgres(transaction) => count::one(transaction.commit()).await?,
        }
        Ok(())
    }
}
