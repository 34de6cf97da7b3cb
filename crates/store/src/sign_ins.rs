//! Sign-ins: one row for each, whether with a session or a JWT.

use latchkey_domain::sign_in::{Lifetime, SignIn};
use latchkey_domain::{SignInId, Timestamp, UserId};

use crate::query::{Row, Value, params};
use crate::{Db, Result};

/// What [`sign_in`] reads, from a table that is called `s` in the statement.
macro_rules! sign_in_columns {
    () => {
        "s.id, s.user_id, s.carries, s.door, s.user_agent, s.address, s.created_at, \
         s.authenticated_at, s.last_seen_at, s.expires_at"
    };
}
pub(crate) use sign_in_columns;

pub(crate) fn sign_in(row: &Row) -> Result<SignIn> {
    Ok(SignIn {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        credential: row.get("carries")?,
        method: row.get("door")?,
        user_agent: row.get("user_agent")?,
        address: row.get("address")?,
        created_at: row.get("created_at")?,
        authenticated_at: row.get("authenticated_at")?,
        last_seen_at: row.get("last_seen_at")?,
        expires_at: row.get("expires_at")?,
    })
}

pub(crate) const INSERT: &str = "INSERT INTO sign_ins \
    (id, user_id, carries, door, session_hash, user_agent, address, created_at, \
     authenticated_at, last_seen_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(crate) fn values<'v>(sign_in: &'v SignIn, session_hash: &'v Option<&str>) -> Vec<Value<'v>> {
    params![
        sign_in.id,
        sign_in.user_id,
        sign_in.credential,
        sign_in.method,
        *session_hash,
        sign_in.user_agent,
        sign_in.address,
        sign_in.created_at,
        sign_in.authenticated_at,
        sign_in.last_seen_at,
        sign_in.expires_at,
    ]
    .to_vec()
}

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

const REVOKED: &str = "SELECT sign_in_id AS id, ended_at FROM revocations WHERE ended_at >= $1";

const FORGET_REVOCATIONS: &str = "DELETE FROM revocations WHERE ended_at < $1";

const FORGET: &str = "DELETE FROM sign_ins WHERE expires_at < $1 OR ended_at < $1";

/// `session_hash` is the hash of the session's id, for a sign-in with a session.
pub async fn insert(db: &Db, sign_in: &SignIn, session_hash: Option<&str>) -> Result<()> {
    db.execute(INSERT, &values(sign_in, &session_hash)).await?;
    Ok(())
}

/// Records that a sign-in was used; never moves the time back.
pub async fn seen(db: &Db, id: SignInId, now: Timestamp) -> Result<()> {
    db.execute(SEEN, params![id, now]).await?;
    Ok(())
}

/// The active sign-ins of one person, the last used first.
pub async fn living(
    db: &Db,
    user: UserId,
    session: Lifetime,
    now: Timestamp,
) -> Result<Vec<SignIn>> {
    db.fetch_all(LIVING, params![user, now, now.minus(session.idle)], sign_in).await
}

/// Ends a sign-in of that person. Says whether there was an active one.
pub async fn end(db: &Db, id: SignInId, user: UserId, now: Timestamp) -> Result<bool> {
    Ok(db.execute(END, params![id, user, now]).await? > 0)
}

pub async fn by_id(db: &Db, id: SignInId) -> Result<Option<SignIn>> {
    db.fetch_optional(BY_ID, params![id], sign_in).await
}

/// The sign-ins with a JWT that ended since then, and when.
pub async fn ended_since(db: &Db, since: Timestamp) -> Result<Vec<(SignInId, Timestamp)>> {
    db.fetch_all(ENDED, params![since], id_and_time).await
}

/// Ends all sign-ins of a person, except `but`. Says which ended.
pub async fn end_others(
    db: &Db,
    user: UserId,
    but: Option<SignInId>,
    now: Timestamp,
) -> Result<Vec<SignInId>> {
    let but = but.map(|id| id.to_string()).unwrap_or_default();
    db.fetch_all(END_OTHERS, params![user, but, now], |row| row.get("id")).await
}

/// Ended sign-ins of a person whose JWT may still be valid: those last
/// refreshed after `since`.
pub async fn lingering(db: &Db, user: UserId, since: Timestamp) -> Result<Vec<SignIn>> {
    db.fetch_all(LINGERING, params![user, since], sign_in).await
}

/// The sign-ins of accounts that were deleted since then, and when.
pub async fn revoked_since(db: &Db, since: Timestamp) -> Result<Vec<(SignInId, Timestamp)>> {
    db.fetch_all(REVOKED, params![since], id_and_time).await
}

fn id_and_time(row: &Row) -> Result<(SignInId, Timestamp)> {
    Ok((row.get("id")?, row.get("ended_at")?))
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    db.execute(FORGET_REVOCATIONS, params![before]).await?;
    Ok(())
}
