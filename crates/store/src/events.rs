//! Calendar events. Every statement names the owner.

use latchkey_domain::calendar::Event;
use latchkey_domain::{EventId, UserId};

use crate::query::Transaction;
use crate::values::{Row, params};
use crate::{Db, Result};

fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        title: row.get("title")?,
        location: row.get("location")?,
        starts_at: row.get("starts_at")?,
        ends_at: row.get("ends_at")?,
    })
}

const INSERT: &str = "INSERT INTO events \
    (id, user_id, title, location, starts_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)";

const PAGE: &str = "SELECT id, user_id, title, location, starts_at, ends_at \
    FROM events WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3";

pub(crate) async fn insert(tx: &mut Transaction, event: &Event) -> Result<()> {
    let Event { id, user_id, title, location, starts_at, ends_at } = event;
    tx.execute(INSERT, params![id, user_id, title, location, starts_at, ends_at]).await?;
    Ok(())
}

/// A page of a user's events, oldest first, after the id `after`.
pub async fn page(db: &Db, user: UserId, after: Option<EventId>, limit: u32) -> Result<Vec<Event>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    db.fetch_all(PAGE, params![user, after, limit], event).await
}
