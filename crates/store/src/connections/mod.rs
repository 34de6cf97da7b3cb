//! Connections, with their sealed tokens.
//!
//! Here they are written down and looked up; [`lease`] is who may speak to the
//! provider about them, [`ending`] how they end, [`sealing`] how they follow a
//! rotation of `APP_SECRET`.

pub mod ending;
pub mod lease;
mod row;
pub mod sealing;

use latchkey_domain::connection::{Connection, Failure, Granted};
use latchkey_domain::{ConnectionId, DisplayName, Email, Timestamp, UserId};

use crate::db::{execute, in_transaction, on};
use crate::{Db, Result, count};
use row::{ConnectionRow, columns};

/// Earlier grants of one account that are kept, so that they can be revoked
/// with the last one. The oldest beyond are forgotten.
const KEPT: i64 = 10;

/// The tokens of a connection, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub access: String,
    /// The refresh token, if there is one.
    pub refresh: Option<String>,
    /// Which secret they are sealed with.
    pub with: String,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("with", &self.with).finish_non_exhaustive()
    }
}

/// A connection as it is kept.
#[derive(Clone, Debug)]
pub struct Stored {
    pub connection: Connection,
    /// Whose it is; nobody's any more when the account is gone.
    pub user: Option<UserId>,
    /// Who gave the tokens. They are shown to nobody else, whatever the settings
    /// call by that provider's name today.
    pub issuer: String,
    /// Who it is there; empty when the account is gone.
    pub subject: String,
    pub sealed: Sealed,
    /// Which writing of the tokens this is.
    pub version: i64,
}

/// A connection that is about to be written down.
#[derive(Clone, Debug)]
pub struct New {
    pub id: ConnectionId,
    pub user: UserId,
    /// The provider's name in our URLs.
    pub provider: String,
    pub issuer: String,
    pub subject: String,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub asked: Granted,
    pub granted: Granted,
    pub sealed: Sealed,
    pub expires_at: Option<Timestamp>,
}

const LOCK: &str = "UPDATE users SET id = id WHERE id = $1";

const REPLACE: &str = "UPDATE connections SET disconnecting_at = $5, next_try_at = $5 \
    WHERE user_id = $1 AND provider = $2 AND NOT (issuer = $3 AND subject = $4) \
    AND disconnecting_at IS NULL";

const SUPERSEDE: &str = "UPDATE connections SET superseded_at = $3 \
    WHERE user_id = $1 AND provider = $2 AND superseded_at IS NULL AND disconnecting_at IS NULL";

const FORGET_OLDEST: &str = "DELETE FROM connections WHERE user_id = $1 AND provider = $2 \
    AND superseded_at IS NOT NULL AND disconnecting_at IS NULL AND id NOT IN ( \
        SELECT id FROM connections WHERE user_id = $1 AND provider = $2 \
        AND superseded_at IS NOT NULL ORDER BY id DESC LIMIT $3)";

const INSERT: &str = "INSERT INTO connections (id, user_id, provider, issuer, subject, name, \
    email, asked, granted, access_token, refresh_token, sealed_with, expires_at, connected_at, \
    tries, version) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 1)";

const CURRENT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE user_id = $1 AND provider = $2 \
      AND superseded_at IS NULL AND disconnecting_at IS NULL"
);

const OF_USER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE user_id = $1 \
      AND (superseded_at IS NULL OR disconnecting_at IS NOT NULL) ORDER BY id DESC"
);

const USED: &str =
    "UPDATE connections SET used_at = $2, trouble_at = NULL, trouble = NULL WHERE id = $1";

const TROUBLED: &str = "UPDATE connections SET trouble_at = $2, trouble = $3 WHERE id = $1";

/// Writes a connection down. Says whether its person still has an account.
///
/// An earlier one of the same account at the provider is superseded: its tokens
/// wait to be revoked with these. One of another account there is replaced, and
/// disconnected.
pub async fn add(db: &Db, new: &New, now: Timestamp) -> Result<bool> {
    let (user, at) = (new.user.to_string(), now.as_millis());
    in_transaction!(db, tx => {
        // Two tabs at once wait for each other; and so does a deletion.
        let lock = count::one(sqlx::query(LOCK).bind(&user).execute(&mut *tx)).await?;
        if lock.rows_affected() == 0 {
            return Ok(false);
        }
        let replace = sqlx::query(REPLACE).bind(&user).bind(&new.provider).bind(&new.issuer);
        count::one(replace.bind(&new.subject).bind(at).execute(&mut *tx)).await?;
        let supersede = sqlx::query(SUPERSEDE).bind(&user).bind(&new.provider).bind(at);
        count::one(supersede.execute(&mut *tx)).await?;
        let forget = sqlx::query(FORGET_OLDEST).bind(&user).bind(&new.provider).bind(KEPT);
        count::one(forget.execute(&mut *tx)).await?;
        let insert = sqlx::query(INSERT)
            .bind(new.id.to_string())
            .bind(&user)
            .bind(&new.provider)
            .bind(&new.issuer)
            .bind(&new.subject)
            .bind(new.name.as_str())
            .bind(new.email.as_ref().map(Email::as_str))
            .bind(new.asked.to_string())
            .bind(new.granted.to_string())
            .bind(&new.sealed.access)
            .bind(new.sealed.refresh.as_deref())
            .bind(&new.sealed.with)
            .bind(new.expires_at.map(Timestamp::as_millis))
            .bind(at);
        count::one(insert.execute(&mut *tx)).await?;
        count::one(tx.commit()).await?;
        Ok(true)
    })
}

/// The connection of this person at this provider that is not being ended.
pub async fn current(db: &Db, user: UserId, provider: &str) -> Result<Option<Stored>> {
    let row: Option<ConnectionRow> = on!(db, pool => sqlx::query_as(CURRENT)
        .bind(user.to_string())
        .bind(provider)
        .fetch_optional(pool))?;
    row.map(Stored::try_from).transpose()
}

/// Every connection of this person, those that are being ended included, the
/// newest first.
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<Stored>> {
    let rows: Vec<ConnectionRow> =
        on!(db, pool => sqlx::query_as(OF_USER).bind(user.to_string()).fetch_all(pool))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Notes that it was used, and that nothing is wrong.
pub async fn used(db: &Db, id: ConnectionId, now: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(USED).bind(id.to_string()).bind(now.as_millis()))?;
    Ok(())
}

/// Notes that something went wrong for a while.
pub async fn troubled(db: &Db, id: ConnectionId, what: Failure, now: Timestamp) -> Result<()> {
    execute!(
        db,
        sqlx::query(TROUBLED).bind(id.to_string()).bind(now.as_millis()).bind(what.stored())
    )?;
    Ok(())
}
