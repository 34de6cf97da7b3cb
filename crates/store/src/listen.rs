//! Announcements of PostgreSQL, and looking where they do not come through.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::limits::LOOK_EVERY;
use crate::postgres::PostgresManager;
use crate::{Db, Result};

/// How long the server may take to bring us what we have said ourselves.
const ECHO: Duration = Duration::from_secs(2);

const CHANNEL: &str = "latchkey";

/// Hears announcements; looks without them where they do not come through.
pub(crate) async fn listen(db: &Db, server: &PostgresManager, news: &Notify) {
    let mut was_heard = false;
    loop {
        match listener(db, server).await {
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
async fn listener(db: &Db, server: &PostgresManager) -> Result<Option<PgListener>> {
    if server.shared {
        return Ok(None);
    }
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_lazy_with(server.servers.primary().await?);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    let echo = RandomState::new().hash_one(CHANNEL).to_string();
    db.notify(&echo).await?;
    let heard = async {
        while listener.try_recv().await?.is_none_or(|heard| heard.payload() != echo) {}
        Ok::<_, sqlx::Error>(())
    };
    match timeout(ECHO, heard).await {
        Ok(heard) => heard.map(|()| Some(listener)).map_err(Into::into),
        Err(_) => Ok(None),
    }
}
