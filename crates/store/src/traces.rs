//! Recorded sign-ins. Every statement names the owner.

use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{Timestamp, TraceId, UserId};

use crate::values::{Row, params};
use crate::{Db, Result};

/// Traces stored for one user.
pub const MAX_PER_USER: i64 = 20;

/// A list entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub id: TraceId,
    pub user_id: UserId,
    pub method: SignInMethod,
    pub credential: CredentialKind,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub exchanges: i64,
    /// Bytes on the wire, both ways.
    pub bytes: i64,
    /// Duration in microseconds.
    pub micros: i64,
}

fn summary(row: &Row<'_>) -> Result<Summary> {
    Ok(Summary {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        method: row.get("door")?,
        credential: row.get("carries")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        exchanges: row.get("exchanges")?,
        bytes: row.get("bytes")?,
        micros: row.get("micros")?,
    })
}

const INSERT: &str = "INSERT INTO traces \
    (id, user_id, door, carries, created_at, expires_at, exchanges, bytes, micros, record) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const TRIM: &str = "DELETE FROM traces WHERE user_id = $1 AND id NOT IN \
    (SELECT id FROM traces WHERE user_id = $1 ORDER BY id DESC LIMIT $2)";

const OF_USER: &str = "SELECT id, user_id, door, carries, created_at, expires_at, exchanges, \
    bytes, micros FROM traces WHERE user_id = $1 AND expires_at > $2 ORDER BY id DESC";

const RECORD: &str = "SELECT record FROM traces WHERE user_id = $1 AND id = $2 AND expires_at > $3";

const DELETE: &str = "DELETE FROM traces WHERE user_id = $1 AND id = $2";

const DELETE_ALL: &str = "DELETE FROM traces WHERE user_id = $1";

const FORGET: &str = "DELETE FROM traces WHERE expires_at <= $1";

/// Stores a recorded sign-in, and deletes the oldest ones beyond [`MAX_PER_USER`].
pub async fn insert(db: &Db, summary: &Summary, record: &str) -> Result<()> {
    let Summary { id, user_id, method, credential, created_at, expires_at, .. } = summary;
    let Summary { exchanges, bytes, micros, .. } = summary;
    let insert = params![
        id, user_id, method, credential, created_at, expires_at, exchanges, bytes, micros, record
    ];
    let mut tx = db.begin().await?;
    tx.execute(INSERT, insert).await?;
    tx.execute(TRIM, params![user_id, MAX_PER_USER]).await?;
    tx.commit().await
}

/// The newest first.
pub async fn of_user(db: &Db, user: UserId, now: Timestamp) -> Result<Vec<Summary>> {
    db.fetch_all(OF_USER, params![user, now], summary).await
}

pub async fn record(db: &Db, user: UserId, id: TraceId, now: Timestamp) -> Result<Option<String>> {
    db.fetch_optional(RECORD, params![user, id, now], |row| row.get("record")).await
}

/// Returns whether the user had this trace.
pub async fn delete(db: &Db, user: UserId, id: TraceId) -> Result<bool> {
    Ok(db.execute(DELETE, params![user, id]).await? > 0)
}

pub async fn delete_all(db: &Db, user: UserId) -> Result<()> {
    db.execute(DELETE_ALL, params![user]).await?;
    Ok(())
}

pub async fn forget(db: &Db, now: Timestamp) -> Result<()> {
    db.execute(FORGET, params![now]).await?;
    Ok(())
}
