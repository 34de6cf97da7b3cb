//! The PostgreSQL servers of a URL, and which of them is the primary.

use std::pin::pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::time::timeout;

use crate::Result;
use crate::error::{invalid_url, timed_out};

/// For each statement that detects a pooler.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The servers of a URL like `postgres://one:5432,two:5432/name`, in order, as in libpq. The
/// primary is the writable one; it changes with a failover.
#[derive(Debug)]
pub(crate) struct Servers {
    all: Vec<PgConnectOptions>,
    /// For each server, before the next one is tried.
    timeout: Duration,
    /// The index of the last known primary.
    primary: AtomicUsize,
}

impl Servers {
    pub(crate) fn of(url: &str, timeout: Duration) -> Result<Self> {
        let options = |url: String| {
            // Not needed, as there are no float columns, and some poolers refuse it.
            let options = PgConnectOptions::from_str(&url).map_err(invalid_url)?;
            Ok(options.extra_float_digits(None))
        };
        let all = split_hosts(url).into_iter().map(options).collect::<Result<Vec<_>>>()?;
        let timeout = timeout / u32::try_from(all.len()).unwrap_or(u32::MAX);
        Ok(Self { all, timeout, primary: AtomicUsize::new(0) })
    }

    /// Connects to the primary. A single server may be a standby.
    pub(crate) async fn connect(&self) -> sqlx::Result<PgConnection> {
        if let [only] = &*self.all {
            return only.connect().await;
        }
        let (first, count) = (self.primary.load(Ordering::Relaxed), self.all.len());
        let mut last_error = timed_out();
        for index in (first..first + count).map(|index| index % count) {
            match timeout(self.timeout, connect_to_primary(&self.all[index])).await {
                Ok(Ok(connection)) => {
                    self.primary.store(index, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Err(error)) => last_error = error,
                Err(_) => {}
            }
        }
        Err(last_error)
    }

    pub(crate) async fn primary(&self) -> sqlx::Result<PgConnectOptions> {
        self.connect().await?.close().await?;
        Ok(self.all[self.primary.load(Ordering::Relaxed)].clone())
    }

    /// Whether there is a pooler in transaction mode: it gives the server connection to
    /// another client after each transaction, along with `LISTEN` and settings.
    pub(crate) async fn have_transaction_pooler(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<bool> {
        let before = server_pid(connection).await?;
        let mut other = self.connect().await?;
        sqlx::raw_sql("BEGIN").execute(&mut other).await?;
        let mut pid = pin!(server_pid(connection));
        let after = timeout(RESPONSE_TIMEOUT, &mut pid).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await?;
        other.close().await?;
        match after {
            Ok(after) => Ok(after? != before),
            // The other client had the pooler's only server connection.
            Err(_) => pid.await.map(|_| true),
        }
    }
}

/// Uses no prepared statement, so that it works through every pooler.
async fn server_pid(connection: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}

/// Like libpq's `target_session_attrs=read-write`.
async fn connect_to_primary(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    let read_only = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(&mut connection).await?;
    if read_only.try_get::<&str, _>(0)? == "on" {
        return Err(std::io::Error::other("no server is writable").into());
    }
    Ok(connection)
}

/// One URL for each host.
fn split_hosts(url: &str) -> Vec<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (owner, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    if !hosts.contains(',') {
        return vec![url.to_owned()];
    }
    hosts.split(',').map(|host| format!("{scheme}://{owner}{host}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_host_postgres_url_is_split_per_host() {
        for (url, each) in [
            ("postgres://u:p@one:5432/x", &["postgres://u:p@one:5432/x"][..]),
            ("postgres:///x?host=/run/pg", &["postgres:///x?host=/run/pg"]),
            (
                "postgres://u:p@one:5432,two/x?sslmode=require",
                &[
                    "postgres://u:p@one:5432/x?sslmode=require",
                    "postgres://u:p@two/x?sslmode=require",
                ],
            ),
            (
                "postgres://a%2Cb@one,[::1]:5433",
                &["postgres://a%2Cb@one", "postgres://a%2Cb@[::1]:5433"],
            ),
        ] {
            assert_eq!(split_hosts(url), each);
        }
    }
}
