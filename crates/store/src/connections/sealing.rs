//! Tokens that are sealed with an earlier secret, and sealing them anew.

use latchkey_domain::ConnectionId;

use super::row::{ConnectionRow, columns};
use super::{Sealed, Stored};
use crate::db::{execute, on};
use crate::{Db, Result};

const SEALED_OTHERWISE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE sealed_with <> $1 AND id > $2 ORDER BY id LIMIT $3"
);

/// The version stays: the tokens are the same. A refresh that is under way
/// writes over this, and this never writes over a refresh.
const RESEAL: &str = "UPDATE connections SET access_token = $3, refresh_token = $4, \
    sealed_with = $5 WHERE id = $1 AND version = $2";

/// Those that are not sealed with this secret, a page at a time.
pub async fn sealed_otherwise(
    db: &Db,
    with: &str,
    after: Option<ConnectionId>,
    limit: u32,
) -> Result<Vec<Stored>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows: Vec<ConnectionRow> = on!(db, pool => sqlx::query_as(SEALED_OTHERWISE)
        .bind(with)
        .bind(&after)
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Writes the same tokens down, sealed anew, unless others came meanwhile.
pub async fn reseal(db: &Db, id: ConnectionId, version: i64, sealed: &Sealed) -> Result<()> {
    execute!(
        db,
        sqlx::query(RESEAL)
            .bind(id.to_string())
            .bind(version)
            .bind(&sealed.access)
            .bind(sealed.refresh.as_deref())
            .bind(&sealed.with)
    )?;
    Ok(())
}
