//! Recorded sign-ins. Every statement names the owner: nobody reaches another's.

use latchkey_domain::sign_in::{Door, Key};
use latchkey_domain::{Timestamp, TraceId, UserId};

use crate::db::{execute, in_transaction, on};
use crate::{Db, Error, Result};

/// How many are kept of one person.
pub const KEPT: i64 = 20;

/// What a list says of a recorded sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub id: TraceId,
    pub user_id: UserId,
    pub door: Door,
    pub key: Key,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub exchanges: i64,
    /// How many bytes went over the wire, both ways.
    pub bytes: i64,
    /// How long it took, in microseconds.
    pub micros: i64,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: String,
    user_id: String,
    door: String,
    carries: String,
    created_at: i64,
    expires_at: i64,
    exchanges: i64,
    bytes: i64,
    micros: i64,
}

impl TryFrom<SummaryRow> for Summary {
    type Error = Error;

    fn try_from(row: SummaryRow) -> Result<Self> {
        Ok(Self {
            id: row.id.parse().map_err(|_| Error::Unreadable("trace id"))?,
            user_id: row.user_id.parse().map_err(|_| Error::Unreadable("user id"))?,
            door: Door::from_stored(&row.door),
            key: row.carries.parse().map_err(|_| Error::Unreadable("key"))?,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            exchanges: row.exchanges,
            bytes: row.bytes,
            micros: row.micros,
        })
    }
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

/// Writes a recorded sign-in down, and lets go of its owner's oldest ones.
pub async fn insert(db: &Db, summary: &Summary, record: &str) -> Result<()> {
    in_transaction!(db, tx => {
        crate::count::one(
            sqlx::query(INSERT)
                .bind(summary.id.to_string())
                .bind(summary.user_id.to_string())
                .bind(summary.door.stored())
                .bind(summary.key.as_str())
                .bind(summary.created_at.as_millis())
                .bind(summary.expires_at.as_millis())
                .bind(summary.exchanges)
                .bind(summary.bytes)
                .bind(summary.micros)
                .bind(record)
                .execute(&mut *tx),
        )
        .await?;
        let trim = sqlx::query(TRIM).bind(summary.user_id.to_string()).bind(KEPT);
        crate::count::one(trim.execute(&mut *tx)).await?;
        crate::count::one(tx.commit()).await?;
        Ok(())
    })
}

/// One person's recorded sign-ins, the newest first.
pub async fn of_user(db: &Db, user: UserId, now: Timestamp) -> Result<Vec<Summary>> {
    let rows: Vec<SummaryRow> = on!(db, pool => sqlx::query_as(OF_USER)
        .bind(user.to_string())
        .bind(now.as_millis())
        .fetch_all(pool))?;
    rows.into_iter().map(Summary::try_from).collect()
}

/// The record of one of them, if it is theirs.
pub async fn record(db: &Db, user: UserId, id: TraceId, now: Timestamp) -> Result<Option<String>> {
    Ok(on!(db, pool => sqlx::query_scalar(RECORD)
        .bind(user.to_string())
        .bind(id.to_string())
        .bind(now.as_millis())
        .fetch_optional(pool))?)
}

/// Deletes one of theirs. Says whether it was there.
pub async fn delete(db: &Db, user: UserId, id: TraceId) -> Result<bool> {
    let deleted = execute!(db, sqlx::query(DELETE).bind(user.to_string()).bind(id.to_string()))?;
    Ok(deleted > 0)
}

pub async fn delete_all(db: &Db, user: UserId) -> Result<()> {
    execute!(db, sqlx::query(DELETE_ALL).bind(user.to_string()))?;
    Ok(())
}

pub async fn forget(db: &Db, now: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(FORGET).bind(now.as_millis()))?;
    Ok(())
}
