//! The connection pool: deadpool, because sqlx's own pool pings a connection after
//! each use, which is another round trip (docs/adr/0054).

use std::time::Duration;

use deadpool::managed::{self, Manager, QueueMode};
use sqlx::Connection;

use crate::Result;
use crate::values::{Row, Value};

pub type Pool<M> = managed::Pool<M>;

/// The result of a read on the current thread, without a connection from the pool.
pub(crate) enum InlineRead<T> {
    Done(T),
    /// Another thread is reading: try again in a moment.
    Busy,
    Unavailable,
}

/// Where the two databases differ, apart from opening a connection.
pub(crate) trait Driver: Manager<Type: Connection, Error = sqlx::Error> {
    /// The limit for a statement, or for a transaction as a whole.
    fn timeout(&self) -> Duration;

    /// Reads the first row on the current thread.
    fn read_inline<T>(
        &self,
        _statement: &'static str,
        _params: &[Value<'_>],
        _read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> InlineRead<Result<Option<T>>> {
        InlineRead::Unavailable
    }

    /// The statement that removes the server's time limits for a connection.
    fn remove_limits(&self) -> Option<&'static str> {
        None
    }

    /// Closes connections outside the pool.
    fn close(&self) {}
}

pub(crate) fn new<M: Manager>(manager: M, connections: u32) -> Result<Pool<M>> {
    let config = managed::PoolConfig {
        max_size: usize::try_from(connections).unwrap_or(1),
        // The deadline of each statement includes the wait for a connection.
        timeouts: managed::Timeouts::default(),
        queue_mode: QueueMode::Lifo,
    };
    let pool = Pool::builder(manager).config(config).build();
    pool.map_err(|error| sqlx::Error::Configuration(error.into()).into())
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
    for connection in idle {
        // Closed in either case.
        let _ = connection.close().await;
    }
}
