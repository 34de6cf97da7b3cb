//! Sign-ins: one row for each, whichever key it carries.

use latchkey_domain::sign_in::{Door, Lifetime, SignIn};
use latchkey_domain::{SignInId, Timestamp, UserId};

use crate::db::{execute, on};
use crate::{Db, Error, Result};

#[derive(sqlx::FromRow)]
pub(crate) struct SignInRow {
    id: String,
    user_id: String,
    carries: String,
    door: String,
    user_agent: String,
    address: String,
    created_at: i64,
    authenticated_at: i64,
    last_seen_at: i64,
    expires_at: i64,
}

impl TryFrom<SignInRow> for SignIn {
    type Error = Error;

    fn try_from(row: SignInRow) -> Result<Self> {
        Ok(Self {
            id: row.id.parse().map_err(|_| Error::Unreadable("sign-in id"))?,
            user_id: row.user_id.parse().map_err(|_| Error::Unreadable("user id"))?,
            key: row.carries.parse().map_err(|_| Error::Unreadable("key"))?,
            door: Door::from_stored(&row.door),
            user_agent: row.user_agent,
            address: row.address,
            created_at: Timestamp::from_millis(row.created_at),
            authenticated_at: Timestamp::from_millis(row.authenticated_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

/// The columns of [`SignInRow`], from a table that is called `s` in the statement.
macro_rules! sign_in_columns {
    () => {
        "s.id, s.user_id, s.carries, s.door, s.user_agent, s.address, s.created_at, \
         s.authenticated_at, s.last_seen_at, s.expires_at"
    };
}
pub(crate) use sign_in_columns;

pub(crate) const INSERT: &str = "INSERT INTO sign_ins \
    (id, user_id, carries, door, session_hash, user_agent, address, created_at, \
     authenticated_at, last_seen_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The statement that writes a sign-in down, on whichever database.
macro_rules! insert_sign_in {
    ($sign_in:expr, $session_hash:expr) => {
        sqlx::query($crate::sign_ins::INSERT)
            .bind($sign_in.id.to_string())
            .bind($sign_in.user_id.to_string())
            .bind($sign_in.key.as_str())
            .bind($sign_in.door.stored())
            .bind($session_hash)
            .bind(&$sign_in.user_agent)
            .bind(&$sign_in.address)
            .bind($sign_in.created_at.as_millis())
            .bind($sign_in.authenticated_at.as_millis())
            .bind($sign_in.last_seen_at.as_millis())
            .bind($sign_in.expires_at.as_millis())
    };
}
pub(crate) use insert_sign_in;

const BY_ID: &str = concat!(
    "SELECT ",
    sign_in_columns!(),
    " FROM sign_ins s WHERE s.id = $1 AND s.ended_at IS NULL"
);

const ENDED: &str = "SELECT id, ended_at FROM sign_ins \
    WHERE carries = 'jwt' AND ended_at IS NOT NULL AND ended_at >= $1";

const SEEN: &str = "UPDATE sign_ins SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";

const LIVING: &str = concat!(
    "SELECT ",
    sign_in_columns!(),
    " FROM sign_ins s WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 \
      AND (s.carries <> 'session' OR s.last_seen_at > $3) ORDER BY s.last_seen_at DESC, s.id DESC"
);

const END: &str =
    "UPDATE sign_ins SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";

pub(crate) const END_OTHERS: &str = "UPDATE sign_ins SET ended_at = $3 \
    WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL RETURNING id";

const LINGERING: &str = concat!(
    "SELECT ",
    sign_in_columns!(),
    " FROM sign_ins s WHERE s.user_id = $1 AND s.carries = 'jwt' AND s.ended_at IS NOT NULL \
      AND s.last_seen_at > $2 ORDER BY s.last_seen_at DESC"
);

const REVOKED: &str = "SELECT sign_in_id, ended_at FROM revocations WHERE ended_at >= $1";

const FORGET_REVOCATIONS: &str = "DELETE FROM revocations WHERE ended_at < $1";

const FORGET: &str = "DELETE FROM sign_ins WHERE expires_at < $1 OR ended_at < $1";

/// Writes down a new sign-in. `session_hash` is the hash of the session's id,
/// when it carries a session.
pub async fn insert(db: &Db, sign_in: &SignIn, session_hash: Option<&str>) -> Result<()> {
    execute!(db, insert_sign_in!(sign_in, session_hash))?;
    Ok(())
}

/// Notes that a sign-in was used; a later note is not overtaken by an earlier one.
pub async fn seen(db: &Db, id: SignInId, now: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(SEEN).bind(id.to_string()).bind(now.as_millis()))?;
    Ok(())
}

/// The living sign-ins of one person, the one used last first.
pub async fn living(
    db: &Db,
    user: UserId,
    session: Lifetime,
    now: Timestamp,
) -> Result<Vec<SignIn>> {
    let rows: Vec<SignInRow> = on!(db, pool => sqlx::query_as(LIVING)
        .bind(user.to_string())
        .bind(now.as_millis())
        .bind(now.minus(session.idle).as_millis())
        .fetch_all(pool))?;
    rows.into_iter().map(SignIn::try_from).collect()
}

/// Ends a sign-in of that person. Says whether there was a living one.
pub async fn end(db: &Db, id: SignInId, user: UserId, now: Timestamp) -> Result<bool> {
    let ended = execute!(
        db,
        sqlx::query(END).bind(id.to_string()).bind(user.to_string()).bind(now.as_millis())
    )?;
    Ok(ended > 0)
}

pub async fn by_id(db: &Db, id: SignInId) -> Result<Option<SignIn>> {
    let row: Option<SignInRow> =
        on!(db, pool => sqlx::query_as(BY_ID).bind(id.to_string()).fetch_optional(pool))?;
    row.map(SignIn::try_from).transpose()
}

/// The sign-ins with a JWT that ended since then, and when they did.
pub async fn ended_since(db: &Db, since: Timestamp) -> Result<Vec<(SignInId, Timestamp)>> {
    ids_and_times(on!(db, pool => sqlx::query_as(ENDED)
        .bind(since.as_millis())
        .fetch_all(pool))?)
}

/// Ends all sign-ins of a person, but for one if it is named. Says which.
pub async fn end_others(
    db: &Db,
    user: UserId,
    but: Option<SignInId>,
    now: Timestamp,
) -> Result<Vec<SignInId>> {
    let but = but.map(|id| id.to_string()).unwrap_or_default();
    let ended: Vec<String> = on!(db, pool => sqlx::query_scalar(END_OTHERS)
        .bind(user.to_string())
        .bind(&but)
        .bind(now.as_millis())
        .fetch_all(pool))?;
    ids(ended)
}

pub(crate) fn ids(stored: Vec<String>) -> Result<Vec<SignInId>> {
    stored.into_iter().map(|id| id.parse().map_err(|_| Error::Unreadable("sign-in id"))).collect()
}

/// Sign-ins of a person that have ended, whose JWT may live on: those that
/// were last renewed after `since`.
pub async fn lingering(db: &Db, user: UserId, since: Timestamp) -> Result<Vec<SignIn>> {
    let rows: Vec<SignInRow> = on!(db, pool => sqlx::query_as(LINGERING)
        .bind(user.to_string())
        .bind(since.as_millis())
        .fetch_all(pool))?;
    rows.into_iter().map(SignIn::try_from).collect()
}

/// The sign-ins of accounts that were deleted since then, and when they were.
pub async fn revoked_since(db: &Db, since: Timestamp) -> Result<Vec<(SignInId, Timestamp)>> {
    ids_and_times(on!(db, pool => sqlx::query_as(REVOKED)
        .bind(since.as_millis())
        .fetch_all(pool))?)
}

fn ids_and_times(rows: Vec<(String, i64)>) -> Result<Vec<(SignInId, Timestamp)>> {
    let read = |(id, at): (String, i64)| {
        let id = id.parse().map_err(|_| Error::Unreadable("sign-in id"))?;
        Ok((id, Timestamp::from_millis(at)))
    };
    rows.into_iter().map(read).collect()
}

/// Forgets sign-ins that came to their end before `before`.
pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(FORGET).bind(before.as_millis()))?;
    execute!(db, sqlx::query(FORGET_REVOCATIONS).bind(before.as_millis()))?;
    Ok(())
}
