//! Hearing that something was written down of which every process keeps a copy:
//! sign-ins that ended, signing keys, grants that are to be ended.
//!
//! It says that there is news and never what: that is read from the tables, so
//! an announcement that comes twice, late or not at all changes nothing but when.
//! See docs/adr/0040-news-instead-of-polling.md.

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

/// News for as long as it lives.
#[derive(Debug)]
pub struct Changes {
    news: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Changes {
    /// Waits until something may have been written; what came since the last
    /// time counts as one.
    pub async fn next(&self) {
        self.news.notified().await;
    }
}

impl Db {
    pub fn changes(&self) -> Changes {
        let (db, news) = (self.clone(), Arc::new(Notify::new()));
        let mut task = JoinSet::new();
        let heard = Arc::clone(&news);
        task.spawn(async move {
            match &db {
                #[cfg(feature = "sqlite")]
                Self::Sqlite(pool) => sqlite::watch_log(pool.manager().file(), &heard).await,
                #[cfg(feature = "postgres")]
                Self::Postgres(pool) => listen::listen(&db, pool.manager(), &heard).await,
            }
        });
        Changes { news, _task: task }
    }

    /// Tells other processes that there is news. SQLite's log says so by itself.
    pub(crate) async fn announce(&self) {
        if self.backend() == Backend::Postgres
            && let Err(error) = self.notify("").await
        {
            tracing::warn!(%error, "other processes could not be told; they look by themselves");
        }
    }

    pub(crate) async fn notify(&self, payload: &str) -> Result<()> {
        self.execute(ANNOUNCE, params![payload]).await.map(drop)
    }
}
