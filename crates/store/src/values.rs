//! Converts values to statement parameters and columns to values, for both databases.

use std::borrow::Cow;
#[cfg(feature = "sqlite")]
use std::cell::Cell;

use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::connection::{BrokenReason, Failure, ProviderScopes};
use latchkey_domain::identity::Subject;
use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{
    AuditId, ConnectionId, ContactId, DisplayName, Email, EventId, Roles, Scopes, SignInId,
    Timestamp, TraceId, UserId,
};
use sqlx::Row as _;

use crate::{Error, Result};

#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Text(Option<Cow<'v, str>>),
    Number(Option<i64>),
}

#[cfg(feature = "sqlite")]
impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;

        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Number(Some(number)) => ValueRef::Integer(*number),
            Self::Text(None) | Self::Number(None) => ValueRef::Null,
        }))
    }
}

/// A value that can be bound to a placeholder.
pub(crate) trait Param {
    /// PostgreSQL needs the type of a `NULL`, too.
    const NULL: Value<'static> = Value::Text(None);

    fn value(&self) -> Value<'_>;
}

/// A value that can be read from a column.
pub(crate) trait Column: Sized {
    type Stored: Primitive;

    /// `None` when the store cannot have written it.
    fn read(stored: Self::Stored) -> Option<Self>;
}

/// A type that both databases can decode.
pub(crate) trait Primitive: sqlite::Read + postgres::Read {}

impl<T: sqlite::Read + postgres::Read> Primitive for T {}

#[cfg(feature = "sqlite")]
mod sqlite {
    use rusqlite::types::FromSql;
    use sqlx::{Decode, Sqlite, Type};

    pub(crate) trait Read: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + FromSql {}

    impl<T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + FromSql> Read for T {}
}

#[cfg(feature = "postgres")]
mod postgres {
    use sqlx::{Decode, Postgres, Type};

    pub(crate) trait Read: for<'r> Decode<'r, Postgres> + Type<Postgres> {}

    impl<T: for<'r> Decode<'r, Postgres> + Type<Postgres>> Read for T {}
}

/// Stands in for a database that is not built in.
#[cfg(not(all(feature = "sqlite", feature = "postgres")))]
mod disabled {
    pub(crate) trait Read {}

    impl<T> Read for T {}
}
#[cfg(not(feature = "postgres"))]
use disabled as postgres;
#[cfg(not(feature = "sqlite"))]
use disabled as sqlite;

/// The values of a statement's placeholders, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::values::Param::value(&$value)),*] };
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
        Some(Self::from_stored(stored))
    }
}

/// Types stored as `TEXT`.
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
    Actor; AuditId; BrokenReason; ConnectionId; ContactId; CredentialKind; EventId; Failure;
    Kind; Scopes; SignInId; SignInMethod; TraceId; UserId;
    DisplayName: |name| Self::from(name);
    ProviderScopes: |scopes| Self::parse(&scopes);
    Roles: |names| Self::from(names.as_str());
}

/// Types stored as `BIGINT`.
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

macro_rules! stored_unchanged {
    ($($type:ty),*) => {$(
        impl Column for $type {
            type Stored = Self;

            fn read(stored: Self) -> Option<Self> {
                Some(stored)
            }
        }
    )*};
}

stored_unchanged!(String, i64, bool, Vec<u8>);

#[derive(Debug)]
pub(crate) enum Row<'r> {
    #[cfg(feature = "sqlite")]
    Sqlite(&'r sqlx::sqlite::SqliteRow),
    /// Read on the current thread (docs/adr/0055). The cell holds the index at which the
    /// next column is expected; any other index needs a search by name.
    #[cfg(feature = "sqlite")]
    SqliteInline(&'r rusqlite::Row<'r>, Cell<usize>),
    #[cfg(feature = "postgres")]
    Postgres(&'r sqlx::postgres::PgRow),
}

impl Row<'_> {
    /// [`Error::Unreadable`] when the column holds a value that the store cannot have written.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T> {
        let stored: std::result::Result<T::Stored, _> = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => row.try_get(column),
            #[cfg(feature = "sqlite")]
            Self::SqliteInline(row, next) => {
                let (names, expected) = (row.as_ref(), next.get());
                let is_expected = names.column_name(expected).is_ok_and(|name| name == column);
                let index = if is_expected { Ok(expected) } else { names.column_index(column) };
                let stored = index.and_then(|index| {
                    next.set(index + 1);
                    row.get(index)
                });
                return stored.ok().and_then(T::read).ok_or(Error::Unreadable(column));
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(column),
        };
        match stored {
            Ok(stored) => T::read(stored).ok_or(Error::Unreadable(column)),
            Err(sqlx::Error::ColumnDecode { .. }) => Err(Error::Unreadable(column)),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(feature = "sqlite")]
impl<'r> From<&'r sqlx::sqlite::SqliteRow> for Row<'r> {
    fn from(row: &'r sqlx::sqlite::SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

#[cfg(feature = "postgres")]
impl<'r> From<&'r sqlx::postgres::PgRow> for Row<'r> {
    fn from(row: &'r sqlx::postgres::PgRow) -> Self {
        Self::Postgres(row)
    }
}
