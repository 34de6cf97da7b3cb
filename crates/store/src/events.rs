//! Events in calendars. Every statement names the owner.

use latchkey_domain::calendar::Event;
use latchkey_domain::{EventId, Timestamp, UserId};

use crate::db::on;
use crate::{Db, Error, Result};

#[derive(sqlx::FromRow)]
struct EventRow {
    id: String,
    user_id: String,
    title: String,
    location: Option<String>,
    starts_at: i64,
    ends_at: i64,
}

impl TryFrom<EventRow> for Event {
    type Error = Error;

    fn try_from(row: EventRow) -> Result<Self> {
        Ok(Self {
            id: row.id.parse().map_err(|_| Error::Unreadable("event id"))?,
            user_id: row.user_id.parse().map_err(|_| Error::Unreadable("user id"))?,
            title: row.title,
            location: row.location,
            starts_at: Timestamp::from_millis(row.starts_at),
            ends_at: Timestamp::from_millis(row.ends_at),
        })
    }
}

pub(crate) const INSERT: &str = "INSERT INTO events \
    (id, user_id, title, location, starts_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)";

const PAGE: &str = "SELECT id, user_id, title, location, starts_at, ends_at \
    FROM events WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3";

/// The statement that writes an event down, on whichever database.
macro_rules! insert_event {
    ($event:expr) => {
        sqlx::query($crate::events::INSERT)
            .bind($event.id.to_string())
            .bind($event.user_id.to_string())
            .bind(&$event.title)
            .bind($event.location.as_deref())
            .bind($event.starts_at.as_millis())
            .bind($event.ends_at.as_millis())
    };
}
pub(crate) use insert_event;

/// A page of one person's events, in the order in which they were written
/// down, beginning behind `after`.
pub async fn page(db: &Db, user: UserId, after: Option<EventId>, limit: u32) -> Result<Vec<Event>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows: Vec<EventRow> = on!(db, pool => sqlx::query_as(PAGE)
        .bind(user.to_string())
        .bind(&after)
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(Event::try_from).collect()
}
