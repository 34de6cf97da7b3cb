//! Hearing that something was written down of which every process keeps a copy:
//! sign-ins that ended, signing keys, grants that are to be ended.
//!
//! It says that there is news and never what: that is read from the tables, so
//! an announcement that comes twice, late or not at all changes nothing but when.
//! See docs/adr/0040-news-instead-of-polling.md.

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::query::params;
use crate::{Db, Result};

/// How often one looks where nothing can be heard: half of the second within
/// which what has ended has to be refused.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// How long the server may take to bring us what we have said ourselves.
const ECHO: Duration = Duration::from_secs(2);

const CHANNEL: &str = "latchkey";

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
                Self::Sqlite(pool) => {
                    watch_log(pool.manager().options.get_filename().to_owned(), &heard).await;
                }
                Self::Postgres(_) => listen(&db, &heard).await,
            }
        });
        Changes { news, _task: task }
    }

    /// Tells other processes that there is news. SQLite's log says so by itself.
    pub(crate) async fn announce(&self) {
        if let Self::Postgres(_) = self
            && let Err(error) = self.execute(ANNOUNCE, params![""]).await
        {
            tracing::warn!(%error, "other processes could not be told; they look by themselves");
        }
    }
}

/// Every commit changes SQLite's write-ahead log. Looking at the file costs no statement.
async fn watch_log(database: PathBuf, news: &Notify) {
    let mut log = database.into_os_string();
    log.push("-wal");
    let look = || -> Option<(SystemTime, u64)> {
        let found = std::fs::metadata(&log).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    let mut seen = look();
    let mut was_news = false;
    loop {
        sleep(LOOK_EVERY).await;
        let found = look();
        let is_news = found != seen;
        // Once more after the last change: the next commit may come within the
        // same tick of the file system's clock.
        if is_news || was_news {
            news.notify_one();
        }
        (seen, was_news) = (found, is_news);
    }
}

/// Hears announcements; looks without them where they do not come through.
async fn listen(db: &Db, news: &Notify) {
    let mut was_heard = false;
    loop {
        match listener(db).await {
            Ok(Some(listener)) => {
                was_heard = true;
                hear(listener, news).await;
            }
            Ok(None) => {
                tracing::warn!(
                    "LISTEN does not work here, as with PgBouncer in transaction mode: \
                     the database is asked every {LOOK_EVERY:?} instead"
                );
                break;
            }
            Err(error) if !was_heard => {
                tracing::warn!(%error, "nothing can be heard; the database is asked instead");
                break;
            }
            // It is gone, and perhaps comes back elsewhere.
            Err(_) => {}
        }
        sleep(LOOK_EVERY).await;
        news.notify_one();
    }
    loop {
        sleep(LOOK_EVERY).await;
        news.notify_one();
    }
}

/// Hears announcements until the server is gone.
async fn hear(mut listener: PgListener, news: &Notify) {
    // Without an announcement the connection was lost, and is back: something may
    // have been said meanwhile.
    while listener.try_recv().await.is_ok() {
        news.notify_one();
    }
}

/// A listener that has heard an announcement of our own. A pooler that hands
/// connections around takes `LISTEN` without a word, and brings nothing.
async fn listener(db: &Db) -> Result<Option<PgListener>> {
    let Db::Postgres(db_pool) = db else { return Ok(None) };
    if db_pool.manager().shared {
        return Ok(None);
    }
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_lazy_with(db_pool.manager().servers.primary().await?);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    let echo = RandomState::new().hash_one(CHANNEL).to_string();
    db.execute(ANNOUNCE, params![echo]).await?;
    let heard = async {
        while listener.try_recv().await?.is_none_or(|heard| heard.payload() != echo) {}
        Ok::<_, sqlx::Error>(())
    };
    match timeout(ECHO, heard).await {
        Ok(heard) => heard.map(|()| Some(listener)).map_err(Into::into),
        Err(_) => Ok(None),
    }
}
