//! Notifies every process when shared state changed: ended sign-ins, signing keys, grants
//! to revoke.
//!
//! A notification carries no data: readers query the tables, so a duplicate, late or lost
//! notification only changes when they do (docs/adr/0040-news-instead-of-polling.md).

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;

#[cfg(feature = "postgres")]
use crate::listen;
#[cfg(feature = "sqlite")]
use crate::sqlite;
use crate::values::params;
use crate::{Backend, Db, Result};

const ANNOUNCE: &str = "SELECT pg_notify('latchkey', $1)";

/// A subscription to changes, until it is dropped.
#[derive(Debug)]
pub struct Changes {
    changed: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Changes {
    /// Waits until something may have changed. Changes since the last call count as one.
    pub async fn next(&self) {
        self.changed.notified().await;
    }
}

impl Db {
    pub fn changes(&self) -> Changes {
        let (db, changed) = (self.clone(), Arc::new(Notify::new()));
        let mut task = JoinSet::new();
        let notify = Arc::clone(&changed);
        task.spawn(async move {
            match &db {
                #[cfg(feature = "sqlite")]
                Self::Sqlite(pool) => sqlite::watch_log(pool.manager().file(), &notify).await,
                #[cfg(feature = "postgres")]
                Self::Postgres(pool) => listen::listen(&db, pool.manager(), &notify).await,
            }
        });
        Changes { changed, _task: task }
    }

    /// Notifies other processes. With SQLite they watch the write-ahead log instead.
    pub(crate) async fn announce(&self) {
        if self.backend() == Backend::Postgres
            && let Err(error) = self.notify("").await
        {
            tracing::warn!(%error, "other processes could not be notified; they poll instead");
        }
    }

    pub(crate) async fn notify(&self, payload: &str) -> Result<()> {
        self.execute(ANNOUNCE, params![payload]).await.map(drop)
    }
}
