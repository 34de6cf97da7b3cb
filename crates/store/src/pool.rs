//! Open connections, and what one has to prove before it is used again.
//!
//! deadpool's, not sqlx's own: that one asks each connection after each statement
//! whether it is well, which is another round trip.

use std::time::Duration;

use deadpool::managed::{self, Manager, QueueMode};
use sqlx::Connection;

use crate::Result;
use crate::values::{Row, Value};

pub type Pool<M> = managed::Pool<M>;

/// What came of reading in the thread that asks, without a connection of the pool.
pub(crate) enum InPlace<T> {
    Read(T),
    /// Another thread reads, and will be done in a moment.
    Busy,
    Impossible,
}

/// What each database does in its own way, beside opening a connection.
pub(crate) trait Driver: Manager<Type: Connection, Error = sqlx::Error> {
    /// How long it may take over a statement, or over a transaction as a whole.
    fn patience(&self) -> Duration;

    /// The first row, or that there is none, if that can be told in this thread.
    fn read<T>(
        &self,
        _statement: &'static str,
        _params: &[Value<'_>],
        _read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> InPlace<Result<Option<T>>> {
        InPlace::Impossible
    }

    /// What lets a statement of this connection take as long as it needs.
    fn lift_limits(&self) -> Option<&'static str> {
        None
    }

    /// Closes what is open beside the pool.
    fn close(&self) {}
}

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

pub(crate) async fn get<M: Driver>(pool: &Pool<M>) -> sqlx::Result<managed::Object<M>> {
    pool.get().await.map_err(|error| match error {
        managed::PoolError::Backend(error) => error,
        managed::PoolError::Closed => sqlx::Error::PoolClosed,
        _ => sqlx::Error::PoolTimedOut,
    })
}

pub(crate) async fn close<M: Driver>(pool: &Pool<M>) {
    pool.manager().close();
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    for one in idle {
        // It is gone in either case.
        let _ = one.close().await;
    }
}
