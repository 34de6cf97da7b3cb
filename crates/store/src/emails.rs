//! The queue of outgoing e-mails.

use std::time::Duration;

use latchkey_domain::{Timestamp, UserId};

use crate::values::params;
use crate::{Db, Result};

/// An e-mail to send now. Its text is encrypted, because its link gives access to an account.
#[derive(Clone, Debug)]
pub struct DueEmail {
    pub id: String,
    pub sealed: String,
    pub expires_at: Timestamp,
    /// Including this one.
    pub tries: i64,
}

const INSERT: &str = "INSERT INTO emails \
    (id, user_id, sealed, created_at, expires_at, tries, next_try_at) \
    VALUES ($1, $2, $3, $4, $5, 0, $4)";

/// Only one process gets it: the others wait for the row lock and check the condition again.
const CLAIM: &str = "UPDATE emails SET tries = tries + 1, next_try_at = $2 \
    WHERE given_up_at IS NULL AND next_try_at <= $1 AND id = \
    (SELECT id FROM emails WHERE given_up_at IS NULL AND next_try_at <= $1 \
    ORDER BY next_try_at, id LIMIT 1) \
    RETURNING id, sealed, expires_at, tries";

const POSTPONE: &str = "UPDATE emails SET next_try_at = $2 WHERE id = $1";

const GIVE_UP: &str = "UPDATE emails SET given_up_at = $2, trouble = $3, sealed = '' WHERE id = $1";

const DELETE: &str = "DELETE FROM emails WHERE id = $1";

const GIVEN_UP: &str = "SELECT trouble FROM emails WHERE given_up_at > 0 \
    ORDER BY given_up_at DESC, id LIMIT 100";

const WAITING: &str =
    "SELECT COUNT(*) AS waiting, MIN(created_at) AS since FROM emails WHERE given_up_at IS NULL";

const FORGET: &str = "DELETE FROM emails WHERE given_up_at < $1";

/// Queues an e-mail, due immediately.
pub async fn insert(
    db: &Db,
    id: &str,
    user: Option<UserId>,
    sealed: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    db.execute(INSERT, params![id, user, sealed, now, expires_at]).await?;
    Ok(())
}

/// Takes the e-mail that has waited longest. It is due again at `retry_at`, in case this
/// process ends before it reports the outcome.
pub async fn claim(db: &Db, now: Timestamp, retry_at: Timestamp) -> Result<Option<DueEmail>> {
    db.fetch_optional(CLAIM, params![now, retry_at], |row| {
        Ok(DueEmail {
            id: row.get("id")?,
            sealed: row.get("sealed")?,
            expires_at: row.get("expires_at")?,
            tries: row.get("tries")?,
        })
    })
    .await
}

pub async fn postpone(db: &Db, id: &str, until: Timestamp) -> Result<()> {
    db.execute(POSTPONE, params![id, until]).await?;
    Ok(())
}

/// Deletes the text, and keeps the reason.
pub async fn give_up(db: &Db, id: &str, now: Timestamp, trouble: &str) -> Result<()> {
    db.execute(GIVE_UP, params![id, now, trouble]).await?;
    Ok(())
}

pub async fn delete(db: &Db, id: &str) -> Result<()> {
    db.execute(DELETE, params![id]).await?;
    Ok(())
}

/// The reasons of the last hundred failures, the latest first.
pub async fn given_up(db: &Db) -> Result<Vec<String>> {
    db.fetch_all(GIVEN_UP, params![], |row| row.get("trouble")).await
}

/// The length of the queue, and how long the oldest e-mail has waited.
pub async fn waiting(db: &Db, now: Timestamp) -> Result<(u32, Duration)> {
    let found = db.fetch_optional(WAITING, params![], |row| {
        let since: Option<Timestamp> = row.get("since")?;
        let waited = since.map_or(Duration::ZERO, |since| now.since(since).into());
        Ok((row.get::<i64>("waiting")?.try_into().unwrap_or(u32::MAX), waited))
    });
    Ok(found.await?.unwrap_or_default())
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    Ok(())
}
