//! PostgreSQL's `LISTEN`, with polling where notifications do not arrive.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::limits::POLL_INTERVAL;
use crate::postgres::PostgresManager;
use crate::{Db, Result};

/// How long the server may take to deliver our own notification.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

const CHANNEL: &str = "latchkey";

/// Notifies `changed` of every notification; polls where they do not arrive.
pub(crate) async fn listen(db: &Db, server: &PostgresManager, changed: &Notify) {
    let mut has_listened = false;
    loop {
        match listener(db, server).await {
            Ok(Some(listener)) => {
                has_listened = true;
                forward(listener, changed).await;
            }
            Ok(None) => {
                tracing::warn!(
                    "LISTEN does not work here, as with PgBouncer in transaction mode: \
                     polling the database every {POLL_INTERVAL:?} instead"
                );
                break;
            }
            Err(error) if !has_listened => {
                tracing::warn!(%error, "LISTEN failed; polling the database instead");
                break;
            }
            // The server is gone. Another one may take its place.
            Err(_) => {}
        }
        sleep(POLL_INTERVAL).await;
        changed.notify_one();
    }
    loop {
        sleep(POLL_INTERVAL).await;
        changed.notify_one();
    }
}

/// Forwards notifications until the server is gone.
async fn forward(mut listener: PgListener, changed: &Notify) {
    // `None` after a reconnect: notifications may have been lost meanwhile.
    while listener.try_recv().await.is_ok() {
        changed.notify_one();
    }
}

/// A listener that has received a notification of our own. A pooler in transaction mode
/// accepts `LISTEN` but delivers nothing.
async fn listener(db: &Db, server: &PostgresManager) -> Result<Option<PgListener>> {
    if server.has_transaction_pooler {
        return Ok(None);
    }
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_lazy_with(server.servers.primary().await?);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    let echo = RandomState::new().hash_one(CHANNEL).to_string();
    db.notify(&echo).await?;
    let echoed = async {
        while listener.try_recv().await?.is_none_or(|received| received.payload() != echo) {}
        Ok::<_, sqlx::Error>(())
    };
    match timeout(ECHO_TIMEOUT, echoed).await {
        Ok(echoed) => echoed.map(|()| Some(listener)).map_err(Into::into),
        Err(_) => Ok(None),
    }
}
