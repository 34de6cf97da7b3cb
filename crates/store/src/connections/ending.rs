//! Connections that are being ended: revoked at the provider, then forgotten.

use latchkey_domain::connection::Failure;
use latchkey_domain::{ConnectionId, Timestamp, UserId};

use super::Stored;
use super::lease::Lease;
use super::row::{ConnectionRow, columns};
use crate::db::{execute, on};
use crate::{Db, Result};

const BEGIN: &str = "UPDATE connections SET disconnecting_at = $3, next_try_at = $3, tries = 0 \
    WHERE user_id = $1 AND provider = $2 AND disconnecting_at IS NULL";

/// What a deleted account leaves behind: sealed tokens that are to be revoked,
/// and nothing that says whose they were.
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

/// Ends a person's connection at a provider, all earlier grants included. Says
/// how many there were. The tokens are kept, sealed, until they are revoked.
pub async fn begin(db: &Db, user: UserId, provider: &str, now: Timestamp) -> Result<u64> {
    let begun = execute!(
        db,
        sqlx::query(BEGIN).bind(user.to_string()).bind(provider).bind(now.as_millis())
    )?;
    Ok(begun)
}

/// What is to be revoked at a provider now, the longest waiting first.
pub async fn due(db: &Db, provider: &str, now: Timestamp, limit: u32) -> Result<Vec<Stored>> {
    let rows: Vec<ConnectionRow> = on!(db, pool => sqlx::query_as(DUE)
        .bind(provider)
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// What a person has ended at a provider and is not revoked yet, due or not.
pub async fn of_user(db: &Db, user: UserId, provider: &str) -> Result<Vec<Stored>> {
    let rows: Vec<ConnectionRow> = on!(db, pool => sqlx::query_as(OF_USER)
        .bind(user.to_string())
        .bind(provider)
        .fetch_all(pool))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// It could not be revoked: to be tried again.
pub async fn postpone(
    db: &Db,
    lease: Lease<'_>,
    what: Failure,
    now: Timestamp,
    next: Timestamp,
) -> Result<()> {
    execute!(
        db,
        sqlx::query(POSTPONE)
            .bind(lease.id.to_string())
            .bind(lease.by)
            .bind(next.as_millis())
            .bind(now.as_millis())
            .bind(what.stored())
    )?;
    Ok(())
}

/// It is revoked: nothing of it is kept. Says whether it was forgotten; it is
/// not when somebody has brought other tokens meanwhile.
pub async fn forget(db: &Db, lease: Lease<'_>) -> Result<bool> {
    let id: ConnectionId = lease.id;
    let forgotten =
        execute!(db, sqlx::query(FORGET).bind(id.to_string()).bind(lease.by).bind(lease.version))?;
    Ok(forgotten == 1)
}
