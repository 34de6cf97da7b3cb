//! The lease on a connection's tokens: across all processes, one at a time may refresh or
//! revoke them.

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

const STORE_REFRESHED: &str = "UPDATE connections SET access_token = $4, refresh_token = $5, \
    sealed_with = $6, expires_at = $7, granted = COALESCE($8, granted), refreshed_at = $9, \
    trouble_at = NULL, trouble = NULL, broken_at = NULL, broken_because = NULL, \
    leased_by = NULL, leased_until = NULL, version = version + 1 \
    WHERE id = $1 AND (version = $2 OR leased_by = $3)";

const MARK_BROKEN: &str = "UPDATE connections SET broken_at = $4, broken_because = $5, \
    leased_by = NULL, leased_until = NULL, version = version + 1 \
    WHERE id = $1 AND version = $2 AND (leased_by IS NULL OR leased_by = $3) \
    AND broken_at IS NULL AND disconnecting_at IS NULL";

const CLEAR_BROKEN: &str = "UPDATE connections SET broken_at = NULL, broken_because = NULL \
    WHERE id = $1 AND version = $2 AND broken_because = $3";

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM connections WHERE id = $1");

/// Takes the lease, if it is free and the tokens were not refreshed since they were read.
pub async fn take(db: &Db, lease: Lease<'_>, now: Timestamp, until: Timestamp) -> Result<bool> {
    let Lease { id, version, by } = lease;
    Ok(db.execute(TAKE, params![id, version, by, now, until]).await? == 1)
}

pub async fn release(db: &Db, lease: Lease<'_>) -> Result<()> {
    db.execute(RELEASE, params![lease.id, lease.by]).await?;
    Ok(())
}

/// Stores refreshed tokens and releases the lease. Returns whether they were stored.
///
/// A holder whose lease expired may still write if nobody else has: its tokens may be the
/// only valid ones. They are stored even if the user disconnected meanwhile, so that they
/// can be revoked.
pub async fn store_refreshed(
    db: &Db,
    lease: Lease<'_>,
    refreshed: &RefreshedTokens,
    now: Timestamp,
) -> Result<bool> {
    let Lease { id, version, by } = lease;
    let RefreshedTokens {
        tokens: EncryptedTokens { access, refresh, key_id },
        expires_at,
        granted,
    } = refreshed;
    let params = params![id, version, by, access, refresh, key_id, expires_at, granted, now];
    Ok(db.execute(STORE_REFRESHED, params).await? == 1)
}

/// Marks the grant as broken, unless the tokens were refreshed meanwhile. Returns whether
/// that changed anything.
pub async fn mark_broken(
    db: &Db,
    lease: Lease<'_>,
    reason: BrokenReason,
    now: Timestamp,
) -> Result<bool> {
    let Lease { id, version, by } = lease;
    Ok(db.execute(MARK_BROKEN, params![id, version, by, now, reason]).await? == 1)
}

/// For a reason on our side that no longer applies.
pub async fn clear_broken(
    db: &Db,
    id: ConnectionId,
    version: i64,
    reason: BrokenReason,
) -> Result<()> {
    db.execute(CLEAR_BROKEN, params![id, version, reason]).await?;
    Ok(())
}

pub async fn find(db: &Db, id: ConnectionId) -> Result<Option<StoredConnection>> {
    db.fetch_optional(BY_ID, params![id], stored).await
}
