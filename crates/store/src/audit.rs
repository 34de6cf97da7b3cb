//! The audit trail.

use latchkey_domain::audit::{Actor, Event, Kind};
use latchkey_domain::{AuditId, Timestamp, UserId};

use crate::db::{execute, on};
use crate::{Db, Error, Result};

#[derive(sqlx::FromRow)]
struct EventRow {
    id: String,
    at: i64,
    kind: String,
    user_id: Option<String>,
    actor: String,
    detail: String,
    address: Option<String>,
}

impl TryFrom<EventRow> for Event {
    type Error = Error;

    fn try_from(row: EventRow) -> Result<Self> {
        let user_id = row.user_id.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: row.id.parse().map_err(|_| Error::Unreadable("audit id"))?,
            at: Timestamp::from_millis(row.at),
            kind: Kind::from_stored(&row.kind).ok_or(Error::Unreadable("kind of an event"))?,
            user_id: user_id.map_err(|_| Error::Unreadable("user id"))?,
            actor: Actor::from_stored(&row.actor),
            detail: row.detail,
            address: row.address,
        })
    }
}

const INSERT: &str = "INSERT INTO audit_events (id, at, kind, user_id, actor, detail, address) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const OF_USER: &str = "SELECT id, at, kind, user_id, actor, detail, address FROM audit_events \
    WHERE user_id = $1 ORDER BY id DESC LIMIT $2";

const PAGE: &str = "SELECT id, at, kind, user_id, actor, detail, address FROM audit_events \
    WHERE id < $1 ORDER BY id DESC LIMIT $2";

const FORGET: &str = "DELETE FROM audit_events WHERE at < $1";

/// Sorts behind every identifier there is.
const BEYOND_ALL: &str = "g";

pub async fn record(db: &Db, event: &Event) -> Result<()> {
    execute!(
        db,
        sqlx::query(INSERT)
            .bind(event.id.to_string())
            .bind(event.at.as_millis())
            .bind(event.kind.stored())
            .bind(event.user_id.map(|id| id.to_string()))
            .bind(event.actor.stored())
            .bind(&event.detail)
            .bind(event.address.as_deref())
    )?;
    Ok(())
}

/// The newest events of one account.
pub async fn of_user(db: &Db, user: UserId, limit: u32) -> Result<Vec<Event>> {
    let rows: Vec<EventRow> = on!(db, pool => sqlx::query_as(OF_USER)
        .bind(user.to_string())
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(Event::try_from).collect()
}

/// A page of everybody's events, the newest first, older than `before`.
pub async fn page(db: &Db, before: Option<AuditId>, limit: u32) -> Result<Vec<Event>> {
    let before = before.map_or_else(|| BEYOND_ALL.to_owned(), |id| id.to_string());
    let rows: Vec<EventRow> = on!(db, pool => sqlx::query_as(PAGE)
        .bind(&before)
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(Event::try_from).collect()
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(FORGET).bind(before.as_millis()))?;
    Ok(())
}
