//! Who may speak to a provider about the tokens of a connection: one at a time,
//! across all processes, and what they wrote down afterwards.

use latchkey_domain::connection::{Because, Granted};
use latchkey_domain::{ConnectionId, Timestamp};

use super::row::{ConnectionRow, columns};
use super::{Sealed, Stored};
use crate::db::{execute, on};
use crate::{Db, Result};

/// The right to speak, for a while.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    pub id: ConnectionId,
    pub version: i64,
    /// Who speaks: different for each process and try.
    pub by: &'a str,
}

#[derive(Clone, Debug)]
pub struct Renewed {
    pub sealed: Sealed,
    pub expires_at: Option<Timestamp>,
    /// What was granted, where the provider said so.
    pub granted: Option<Granted>,
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

/// Takes the lease, if nobody has it and the tokens are still those that were
/// read. Of many at once, one gets it.
pub async fn take(db: &Db, lease: Lease<'_>, now: Timestamp, until: Timestamp) -> Result<bool> {
    let taken = execute!(
        db,
        sqlx::query(TAKE)
            .bind(lease.id.to_string())
            .bind(lease.version)
            .bind(lease.by)
            .bind(now.as_millis())
            .bind(until.as_millis())
    )?;
    Ok(taken == 1)
}

/// Gives it back, with nothing changed.
pub async fn release(db: &Db, lease: Lease<'_>) -> Result<()> {
    execute!(db, sqlx::query(RELEASE).bind(lease.id.to_string()).bind(lease.by))?;
    Ok(())
}

/// Writes down what a refresh yielded, and gives the lease back. Says whether
/// it was written.
///
/// Whoever was held up until their lease ran out may still write, as long as
/// nobody else has: what they bring may be the only token that lives. And it is
/// written also when the person ended the connection meanwhile, so that it can
/// be revoked.
pub async fn renewed(db: &Db, lease: Lease<'_>, renewed: &Renewed, now: Timestamp) -> Result<bool> {
    let written = execute!(
        db,
        sqlx::query(RENEWED)
            .bind(lease.id.to_string())
            .bind(lease.version)
            .bind(lease.by)
            .bind(&renewed.sealed.access)
            .bind(renewed.sealed.refresh.as_deref())
            .bind(&renewed.sealed.with)
            .bind(renewed.expires_at.map(Timestamp::as_millis))
            .bind(renewed.granted.as_ref().map(ToString::to_string))
            .bind(now.as_millis())
    )?;
    Ok(written == 1)
}

/// Writes down that the grant is over, unless somebody has brought other tokens
/// meanwhile. Says whether that is news.
pub async fn broken(db: &Db, lease: Lease<'_>, because: Because, now: Timestamp) -> Result<bool> {
    let written = execute!(
        db,
        sqlx::query(BROKEN)
            .bind(lease.id.to_string())
            .bind(lease.version)
            .bind(lease.by)
            .bind(now.as_millis())
            .bind(because.stored())
    )?;
    Ok(written == 1)
}

/// Takes back that the grant is over for this reason: it was wrong here, and is
/// right again.
pub async fn mended(db: &Db, id: ConnectionId, version: i64, was: Because) -> Result<()> {
    execute!(db, sqlx::query(MENDED).bind(id.to_string()).bind(version).bind(was.stored()))?;
    Ok(())
}

pub async fn look(db: &Db, id: ConnectionId) -> Result<Option<Stored>> {
    let row: Option<ConnectionRow> =
        on!(db, pool => sqlx::query_as(BY_ID).bind(id.to_string()).fetch_optional(pool))?;
    row.map(Stored::try_from).transpose()
}
