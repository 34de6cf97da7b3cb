//! The lease on a connection's tokens: one request to the provider at a time,
//! across all processes, and what it changed.

use latchkey_domain::connection::{BrokenReason, ProviderScopes};
use latchkey_domain::{ConnectionId, Timestamp};

use super::{EncryptedTokens, StoredConnection, columns, stored};
use crate::values::params;
use crate::{Db, Result};

#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    pub id: ConnectionId,
    pub version: i64,
    pub by: &'a str,
}

#[derive(Clone, Debug)]
pub struct RefreshedTokens {
    pub tokens: EncryptedTokens,
    pub expires_at: Option<Timestamp>,
    pub granted: Option<ProviderScopes>,
}

const TAKE: &str = "UPDATE connections SET leased_by = $3, leased_until = $5 \
    WHERE id = $1 AND version = $2 AND (leased_until IS NULL OR leased_until <= $4)";

const RELEASE: &str =
    "UPDATE connections SET leased_by = NULL, leased_until = NULL WHERE id = $1 AND leased_by = $2";

const RENEWED: &str = "UPDATE connections SET access_token = $4, refresh_token = $5, \
    sealed_with = $6, expires_at = $7, granted = COALESCE($8, granted), refreshed_at = $9, \
    trouble_at = NULL, trouble = NULL, broken_at = NULL, broken_because = NULL, \
    leased_by = NULL, leased_until = NULL, version = version + 1 \
    WHERE id = $1 AND (version = $2 OR leased_by = $3)";

const BROKEN: &str = "UPDATE connections SET broken_at = $4, broken_because = $5, \
    leased_by = NULL, leased_until = NULL, version = version + 1 \
    WHERE id = $1 AND version = $2 AND (leased_by IS NULL OR leased_by = $3) \
    AND broken_at IS NULL AND disconnecting_at IS NULL";

const MENDED: &str = "UPDATE connections SET broken_at = NULL, broken_because = NULL \
    WHERE id = $1 AND version = $2 AND broken_because = $3";

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM connections WHERE id = $1");

/// Takes the lease, if nobody holds it and the tokens are still those that were
/// read. Of many at once, one gets it.
pub async fn take(db: &Db, lease: Lease<'_>, now: Timestamp, until: Timestamp) -> Result<bool> {
    let Lease { id, version, by } = lease;
    Ok(db.execute(TAKE, params![id, version, by, now, until]).await? == 1)
}

/// Gives the lease back, with nothing changed.
pub async fn release(db: &Db, lease: Lease<'_>) -> Result<()> {
    db.execute(RELEASE, params![lease.id, lease.by]).await?;
    Ok(())
}

/// Stores refreshed tokens, and gives the lease back. Says whether they were stored.
///
/// A holder that was delayed until the lease ran out may still write, as long as
/// nobody else has: its tokens may be the only valid ones. And they are stored
/// also if the person ended the connection meanwhile, so that they can be revoked.
pub async fn store_refreshed(
    db: &Db,
    lease: Lease<'_>,
    renewed: &RefreshedTokens,
    now: Timestamp,
) -> Result<bool> {
    let Lease { id, version, by } = lease;
    let RefreshedTokens {
        tokens: EncryptedTokens { access, refresh, key_id },
        expires_at,
        granted,
    } = renewed;
    let params = params![id, version, by, access, refresh, key_id, expires_at, granted, now];
    Ok(db.execute(RENEWED, params).await? == 1)
}

/// Records that the grant is over, unless newer tokens came meanwhile. Says
/// whether that is news.
pub async fn mark_broken(
    db: &Db,
    lease: Lease<'_>,
    reason: BrokenReason,
    now: Timestamp,
) -> Result<bool> {
    let Lease { id, version, by } = lease;
    Ok(db.execute(BROKEN, params![id, version, by, now, reason]).await? == 1)
}

/// Takes back that the grant is over for this reason, which was on our side and
/// is gone.
pub async fn clear_broken(
    db: &Db,
    id: ConnectionId,
    version: i64,
    was: BrokenReason,
) -> Result<()> {
    db.execute(MENDED, params![id, version, was]).await?;
    Ok(())
}

pub async fn find(db: &Db, id: ConnectionId) -> Result<Option<StoredConnection>> {
    db.fetch_optional(BY_ID, params![id], stored).await
}
