//! Links in e-mails: single-use, short-lived, kept as hashes.

use latchkey_domain::{Email, Timestamp, UserId};

use crate::db::{execute, on};
use crate::{Db, Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Verify,
    Reset,
}

impl Purpose {
    pub(crate) const fn stored(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub user_id: UserId,
    pub email: Email,
}

#[derive(sqlx::FromRow)]
pub(crate) struct SentRow {
    user_id: String,
    email: String,
}

impl TryFrom<SentRow> for Sent {
    type Error = Error;

    fn try_from(row: SentRow) -> Result<Self> {
        Ok(Self {
            user_id: row.user_id.parse().map_err(|_| Error::Unreadable("user id"))?,
            email: Email::parse(&row.email).map_err(|_| Error::Unreadable("e-mail address"))?,
        })
    }
}

const INSERT: &str = "INSERT INTO email_tokens (hash, user_id, purpose, email, expires_at) \
    VALUES ($1, $2, $3, $4, $5)";

const FIND: &str = "SELECT user_id, email FROM email_tokens \
    WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";

/// The use. Of two at once only one finds `used_at` empty.
pub(crate) const USE: &str = "UPDATE email_tokens SET used_at = $3 \
    WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 \
    RETURNING user_id, email";

pub(crate) const VOID: &str =
    "UPDATE email_tokens SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL";

const FORGET: &str = "DELETE FROM email_tokens WHERE expires_at < $1";

/// Writes down a link that is being sent.
pub async fn insert(
    db: &Db,
    hash: &str,
    purpose: Purpose,
    sent: &Sent,
    expires_at: Timestamp,
) -> Result<()> {
    execute!(
        db,
        sqlx::query(INSERT)
            .bind(hash)
            .bind(sent.user_id.to_string())
            .bind(purpose.stored())
            .bind(sent.email.as_str())
            .bind(expires_at.as_millis())
    )?;
    Ok(())
}

/// Looks at a link without using it up.
pub async fn find(db: &Db, hash: &str, purpose: Purpose, now: Timestamp) -> Result<Option<Sent>> {
    let row: Option<SentRow> = on!(db, pool => sqlx::query_as(FIND)
        .bind(hash)
        .bind(purpose.stored())
        .bind(now.as_millis())
        .fetch_optional(pool))?;
    row.map(Sent::try_from).transpose()
}

/// Uses a link up; `None` when it was used, has expired, or never was.
pub async fn take(db: &Db, hash: &str, purpose: Purpose, now: Timestamp) -> Result<Option<Sent>> {
    let row: Option<SentRow> = on!(db, pool => sqlx::query_as(USE)
        .bind(hash)
        .bind(purpose.stored())
        .bind(now.as_millis())
        .fetch_optional(pool))?;
    row.map(Sent::try_from).transpose()
}

/// Forgets links that expired before then.
pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(FORGET).bind(before.as_millis()))?;
    Ok(())
}
