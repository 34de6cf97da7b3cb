//! Disconnecting: tokens are revoked at the provider, then deleted.

use latchkey_domain::connection::Failure;
use latchkey_domain::{Timestamp, UserId};

use super::lease::Lease;
use super::{StoredConnection, columns, stored};
use crate::values::params;
use crate::{Db, Result};

const BEGIN: &str = "UPDATE connections SET disconnecting_at = $3, next_try_at = $3, tries = 0 \
    WHERE user_id = $1 AND provider = $2 AND disconnecting_at IS NULL";

/// Keeps the encrypted tokens of a deleted account, to be revoked, and nothing about the
/// user.
pub(crate) const ORPHAN: &str = "UPDATE connections SET user_id = NULL, subject = '', name = '', \
    email = NULL, asked = '', granted = '', used_at = NULL, \
    next_try_at = COALESCE(next_try_at, $2), disconnecting_at = COALESCE(disconnecting_at, $2) \
    WHERE user_id = $1";

const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE provider = $1 AND disconnecting_at IS NOT NULL AND next_try_at <= $2 \
      AND (leased_until IS NULL OR leased_until <= $2) ORDER BY next_try_at LIMIT $3"
);

const ANY: &str = "SELECT id FROM connections \
    WHERE disconnecting_at IS NOT NULL AND next_try_at >= 0 LIMIT 1";

const OF_USER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE user_id = $1 AND provider = $2 AND disconnecting_at IS NOT NULL"
);

const POSTPONE: &str = "UPDATE connections SET tries = tries + 1, next_try_at = $3, \
    trouble_at = $4, trouble = $5, leased_by = NULL, leased_until = NULL \
    WHERE id = $1 AND leased_by = $2";

const FORGET: &str = "DELETE FROM connections WHERE id = $1 AND leased_by = $2 \
    AND version = $3 AND disconnecting_at IS NOT NULL";

/// Starts to disconnect a user from a provider, including superseded grants, and returns
/// their number. The tokens are kept, encrypted, until they are revoked.
pub async fn begin(db: &Db, user: UserId, provider: &str, now: Timestamp) -> Result<u64> {
    let begun = db.execute(BEGIN, params![user, provider, now]).await?;
    db.announce().await;
    Ok(begun)
}

/// Whether anything is waiting to be revoked, due or not.
pub async fn is_any(db: &Db) -> Result<bool> {
    Ok(db.fetch_optional(ANY, params![], |row| row.get::<String>("id")).await?.is_some())
}

/// Connections to revoke at a provider now, the longest waiting first.
pub async fn due(
    db: &Db,
    provider: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<StoredConnection>> {
    db.fetch_all(DUE, params![provider, now, limit], stored).await
}

/// Connections of a user at a provider that are not revoked yet, due or not.
pub async fn of_user(db: &Db, user: UserId, provider: &str) -> Result<Vec<StoredConnection>> {
    db.fetch_all(OF_USER, params![user, provider], stored).await
}

/// Records a failed revocation, to be retried at `next`.
pub async fn postpone(
    db: &Db,
    lease: Lease<'_>,
    what: Failure,
    now: Timestamp,
    next: Timestamp,
) -> Result<()> {
    db.execute(POSTPONE, params![lease.id, lease.by, next, now, what]).await?;
    Ok(())
}

/// Deletes a revoked connection. Returns `false` when its tokens were refreshed meanwhile.
pub async fn forget(db: &Db, lease: Lease<'_>) -> Result<bool> {
    let Lease { id, version, by } = lease;
    Ok(db.execute(FORGET, params![id, by, version]).await? == 1)
}
