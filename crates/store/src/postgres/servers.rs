//! Where PostgreSQL is: one server, or several of which one takes what is written.

use std::pin::pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::time::timeout;

use crate::Result;
use crate::error::{bad_url, silent};

/// How long a server may take to say which it is, before it is not there.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(500);

/// The servers of an address, in its order: `postgres://one:5432,two:5432/name`, as
/// libpq takes it. The primary is whichever takes what is written, and another one
/// after a fail-over.
#[derive(Debug)]
pub(crate) struct Servers {
    each: Vec<PgConnectOptions>,
    /// How long one of several may take before the next one is asked.
    patience: Duration,
    /// Which was the primary when a connection was last made.
    primary: AtomicUsize,
}

impl Servers {
    pub(crate) fn of(url: &str, patience: Duration) -> Result<Self> {
        let options = |url: String| {
            // No column of ours is a float, and poolers refuse what they do not know.
            let options = PgConnectOptions::from_str(&url).map_err(bad_url)?;
            Ok(options.extra_float_digits(None))
        };
        let each = one_by_one(url).into_iter().map(options).collect::<Result<Vec<_>>>()?;
        let patience = patience / u32::try_from(each.len()).unwrap_or(u32::MAX);
        Ok(Self { each, patience, primary: AtomicUsize::new(0) })
    }

    /// Connects to the primary; where there is one server, to that, whatever it is.
    pub(crate) async fn connect(&self) -> sqlx::Result<PgConnection> {
        if let [only] = &*self.each {
            return only.connect().await;
        }
        let (first, count) = (self.primary.load(Ordering::Relaxed), self.each.len());
        let mut why = silent();
        for place in (first..first + count).map(|place| place % count) {
            match timeout(self.patience, primary(&self.each[place])).await {
                Ok(Ok(found)) => {
                    self.primary.store(place, Ordering::Relaxed);
                    return Ok(found);
                }
                Ok(Err(error)) => why = error,
                Err(_) => {}
            }
        }
        Err(why)
    }

    /// Where the primary is now.
    pub(crate) async fn primary(&self) -> sqlx::Result<PgConnectOptions> {
        self.connect().await?.close().await?;
        Ok(self.each[self.primary.load(Ordering::Relaxed)].clone())
    }
}

impl Servers {
    /// Whether a pooler in transaction mode stands in between: it hands a server to
    /// somebody else as soon as a transaction is over. Then `LISTEN` would be heard by
    /// whoever has that server next, and a setting would be theirs.
    pub(crate) async fn are_shared(&self, one: &mut PgConnection) -> sqlx::Result<bool> {
        let before = server_of(one).await?;
        let mut other = self.connect().await?;
        sqlx::raw_sql("BEGIN").execute(&mut other).await?;
        let mut again = pin!(server_of(one));
        let after = timeout(AT_ONCE, &mut again).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await?;
        other.close().await?;
        match after {
            Ok(after) => Ok(after? != before),
            // The other one had the only server there is.
            Err(_) => again.await.map(|_| true),
        }
    }
}

/// Which process of PostgreSQL's answers. A statement that is not prepared passes
/// through every pooler.
async fn server_of(one: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(one).await?.try_get(0)
}

/// Connects, and is content only with a server that takes what is written, as libpq
/// is with `target_session_attrs=read-write`.
async fn primary(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut one = options.connect().await?;
    let read_only = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(&mut one).await?;
    if read_only.try_get::<&str, _>(0)? == "on" {
        return Err(std::io::Error::other("no server takes what is written").into());
    }
    Ok(one)
}

/// The same address for each host that it names.
fn one_by_one(url: &str) -> Vec<String> {
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
    fn several_hosts_are_an_address_each() {
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
            assert_eq!(one_by_one(url), each);
        }
    }
}
