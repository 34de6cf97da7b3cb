//! Tokens in e-mail links: single-use, short-lived, stored as hashes.

use latchkey_domain::{Email, Timestamp, UserId};

use crate::values::{Param, Row, Value, params};
use crate::{Db, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Purpose {
    Verify,
    Reset,
    /// A code that confirms the user of one sign-in by e-mail.
    Prove,
}

impl Param for Purpose {
    fn value(&self) -> Value<'_> {
        Value::Text(Some(self.to_string().into()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub user_id: UserId,
    pub email: Email,
}

pub(crate) fn recipient(row: &Row<'_>) -> Result<Recipient> {
    Ok(Recipient { user_id: row.get("user_id")?, email: row.get("email")? })
}

const INSERT: &str = "INSERT INTO email_tokens (hash, user_id, purpose, email, expires_at) \
    VALUES ($1, $2, $3, $4, $5)";

const FIND: &str = "SELECT user_id, email FROM email_tokens \
    WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";

/// Only one of several concurrent requests finds `used_at` empty.
pub(crate) const USE: &str = "UPDATE email_tokens SET used_at = $3 \
    WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 \
    RETURNING user_id, email";

pub(crate) const VOID: &str =
    "UPDATE email_tokens SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL";

const FORGET: &str = "DELETE FROM email_tokens WHERE expires_at < $1";

pub async fn insert(
    db: &Db,
    hash: &str,
    purpose: Purpose,
    recipient: &Recipient,
    expires_at: Timestamp,
) -> Result<()> {
    let Recipient { user_id, email } = recipient;
    db.execute(INSERT, params![hash, user_id, purpose, email, expires_at]).await?;
    Ok(())
}

/// Finds a token without using it.
pub async fn find(
    db: &Db,
    hash: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Recipient>> {
    db.fetch_optional(FIND, params![hash, purpose, now], recipient).await
}

/// Uses a token; `None` when it was used, has expired, or never existed.
pub async fn consume(
    db: &Db,
    hash: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Recipient>> {
    db.fetch_optional(USE, params![hash, purpose, now], recipient).await
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    Ok(())
}
