//! The audit trail.

use latchkey_domain::audit::Event;
use latchkey_domain::{AuditId, Timestamp, UserId};

use crate::values::{Row, params};
use crate::{Db, Result};

fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        user_id: row.get("user_id")?,
        actor: row.get("actor")?,
        detail: row.get("detail")?,
        address: row.get("address")?,
    })
}

const INSERT: &str = "INSERT INTO audit_events (id, at, kind, user_id, actor, detail, address) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const OF_USER: &str = "SELECT id, at, kind, user_id, actor, detail, address FROM audit_events \
    WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

const PAGE: &str = "SELECT id, at, kind, user_id, actor, detail, address FROM audit_events \
    WHERE id < $1 ORDER BY id DESC LIMIT $2";

const FORGET: &str = "DELETE FROM audit_events WHERE at < $1";

/// Sorts after every id, which is hexadecimal.
const AFTER_ALL: &str = "g";

pub async fn record(db: &Db, event: &Event) -> Result<()> {
    let Event { id, at, kind, user_id, actor, detail, address } = event;
    db.execute(INSERT, params![id, at, kind, user_id, actor, detail, address]).await?;
    Ok(())
}

/// A page of a user's events, newest first, before the id `before`.
pub async fn of_user(
    db: &Db,
    user: UserId,
    before: Option<AuditId>,
    limit: u32,
) -> Result<Vec<Event>> {
    db.fetch_all(OF_USER, params![user, before_or_all(before), limit], event).await
}

/// A page of all events, newest first, before the id `before`.
pub async fn page(db: &Db, before: Option<AuditId>, limit: u32) -> Result<Vec<Event>> {
    db.fetch_all(PAGE, params![before_or_all(before), limit], event).await
}

fn before_or_all(before: Option<AuditId>) -> String {
    before.map_or_else(|| AFTER_ALL.to_owned(), |id| id.to_string())
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    Ok(())
}
