//! Sign-ins: one row for each, with a session or a JWT.

use latchkey_domain::sign_in::{Lifetime, SignIn};
use latchkey_domain::{SignInId, Timestamp, UserId};

use crate::values::{Row, Value, params};
use crate::{Backend, Db, Error, Result};

/// The columns that [`sign_in`] reads, from `sign_ins s`. `last_used`: includes the last
/// refresh of a JWT, which is recorded only in `refresh_tokens`.
macro_rules! sign_in_columns {
    () => { $crate::sign_ins::sign_in_columns!(@ "s.last_seen_at") };
    (last_used) => {
        $crate::sign_ins::sign_in_columns!(@ "COALESCE((SELECT MAX(r.issued_at) \
            FROM refresh_tokens r WHERE r.sign_in_id = s.id), s.last_seen_at) AS last_seen_at")
    };
    (@ $last_seen_at:literal) => {
        concat!(
            "s.id, s.user_id, s.carries, s.door, s.user_agent, s.address, s.created_at, \
             s.authenticated_at, ",
            $last_seen_at,
            ", s.expires_at"
        )
    };
}
pub(crate) use sign_in_columns;

pub(crate) fn sign_in(row: &Row<'_>) -> Result<SignIn> {
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

macro_rules! insert {
    () => {
        "INSERT INTO sign_ins (id, user_id, carries, door, session_hash, user_agent, address, \
            created_at, authenticated_at, last_seen_at, expires_at) \
         SELECT $1, u.id, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM users u \
         WHERE u.id = $2 AND u.blocked_at IS NULL"
    };
}

/// The statement that stores a sign-in. It waits for a transaction that resets the password,
/// blocks or deletes the account: either that ends this sign-in, or this sees its outcome.
/// SQLite has only one writer at a time.
pub(crate) const fn insert_statement(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => insert!(),
        Backend::Postgres => concat!(insert!(), " FOR SHARE"),
    }
}

const IS_BLOCKED: &str = "SELECT id FROM users WHERE id = $1 AND blocked_at IS NOT NULL";

/// Active sign-ins of one user. Beyond that, the least recently used ones end.
pub(crate) const MAX_ACTIVE: i64 = 100;

/// Why a sign-in was not stored.
pub(crate) async fn insert_error(db: &Db, user: UserId) -> Error {
    match db.fetch_optional(IS_BLOCKED, params![user], |_| Ok(())).await {
        Ok(Some(())) => Error::Blocked,
        Ok(None) => Error::AccountGone,
        Err(error) => error,
    }
}

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

/// A number greater than every `ended_order` so far: the time, so that the order survives
/// the deletion of old rows, or the highest number plus one if the clock was set back.
macro_rules! next_order {
    ($now:literal) => {
        concat!(
            "(SELECT MAX(o.number) FROM (SELECT ",
            $now,
            " AS number UNION ALL SELECT MAX(ended_order) + 1 FROM sign_ins \
                WHERE ended_order IS NOT NULL \
              UNION ALL SELECT MAX(ended_order) + 1 FROM revocations) o)"
        )
    };
}
pub(crate) use next_order;

pub(crate) const END_OLDEST: &str = concat!(
    "UPDATE sign_ins SET ended_at = $2, ended_order = ",
    next_order!("$2"),
    " WHERE user_id = $1 AND ended_at IS NULL AND id NOT IN (SELECT s.id FROM sign_ins s \
        WHERE s.user_id = $1 AND s.ended_at IS NULL ORDER BY COALESCE((SELECT MAX(r.issued_at) \
            FROM refresh_tokens r WHERE r.sign_in_id = s.id), s.last_seen_at) DESC, s.id DESC \
        LIMIT $3)"
);

const BY_ID: &str = concat!(
    "SELECT ",
    sign_in_columns!(last_used),
    " FROM sign_ins s WHERE s.id = $1 AND s.ended_at IS NULL"
);

macro_rules! revoked {
    () => {
        "SELECT sign_in_id AS id, ended_order FROM revocations WHERE ended_order >= $1"
    };
}

const ENDED: &str = concat!(
    "SELECT id, ended_order FROM sign_ins WHERE ended_order >= $1 AND carries = 'jwt' UNION ALL ",
    revoked!()
);

const RECORD_USE: &str =
    "UPDATE sign_ins SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";

const ACTIVE: &str = concat!(
    "SELECT ",
    sign_in_columns!(last_used),
    " FROM sign_ins s WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 \
      AND (s.carries <> 'session' OR s.last_seen_at > $3) \
      ORDER BY last_seen_at DESC, s.id DESC LIMIT $4"
);

const END: &str = concat!(
    "UPDATE sign_ins SET ended_at = $3, ended_order = ",
    next_order!("$3"),
    " WHERE id = $1 AND user_id = $2 AND ended_at IS NULL"
);

/// Only inside a transaction that has locked the account.
pub(crate) const IS_ACTIVE: &str =
    "SELECT id FROM sign_ins WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";

const RECORD_REAUTHENTICATION: &str =
    "UPDATE sign_ins SET authenticated_at = $2 WHERE id = $1 AND ended_at IS NULL";

pub(crate) const END_OTHERS: &str = concat!(
    "UPDATE sign_ins SET ended_at = $3, ended_order = ",
    next_order!("$3"),
    " WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL RETURNING id"
);

const REVOKED: &str = revoked!();

const FORGET_REVOCATIONS: &str = "DELETE FROM revocations WHERE ended_at < $1";

const FORGET_EXPIRED: &str = "DELETE FROM sign_ins WHERE id IN \
    (SELECT id FROM sign_ins WHERE expires_at < $1 LIMIT $2)";

const FORGET_ENDED: &str = "DELETE FROM sign_ins WHERE id IN \
    (SELECT id FROM sign_ins WHERE ended_at < $1 LIMIT $2)";

/// Rows deleted at a time, so that other writers get a turn.
const BATCH: u32 = 500;

/// `session_hash`: the hash of the session id, unless the credential is a JWT.
pub async fn insert(db: &Db, sign_in: &SignIn, session_hash: Option<&str>) -> Result<()> {
    let SignIn { user_id, created_at, .. } = sign_in;
    let statement = insert_statement(db.backend());
    if db.execute(statement, &values(sign_in, &session_hash)).await? == 0 {
        return Err(insert_error(db, *user_id).await);
    }
    if db.execute(END_OLDEST, params![user_id, created_at, MAX_ACTIVE]).await? > 0 {
        db.announce().await;
    }
    Ok(())
}

/// Never moves the time back.
pub async fn record_use(db: &Db, id: SignInId, now: Timestamp) -> Result<()> {
    db.execute(RECORD_USE, params![id, now]).await?;
    Ok(())
}

pub async fn record_reauthentication(db: &Db, id: SignInId, now: Timestamp) -> Result<()> {
    db.execute(RECORD_REAUTHENTICATION, params![id, now]).await?;
    Ok(())
}

/// The active sign-ins of a user, the last used first.
pub async fn list_active(
    db: &Db,
    user: UserId,
    session: Lifetime,
    now: Timestamp,
) -> Result<Vec<SignIn>> {
    db.fetch_all(ACTIVE, params![user, now, now.minus(session.idle), MAX_ACTIVE], sign_in).await
}

/// Ends a sign-in of this user. Returns whether it was active.
pub async fn end(db: &Db, id: SignInId, user: UserId, now: Timestamp) -> Result<bool> {
    let ended = db.execute(END, params![id, user, now]).await? > 0;
    if ended {
        db.announce().await;
    }
    Ok(ended)
}

pub async fn by_id(db: &Db, id: SignInId) -> Result<Option<SignIn>> {
    db.fetch_optional(BY_ID, params![id], sign_in).await
}

/// Ends all sign-ins of a user, except `but`. Returns those that ended.
pub async fn end_others(
    db: &Db,
    user: UserId,
    but: Option<SignInId>,
    now: Timestamp,
) -> Result<Vec<SignInId>> {
    let but = but.map(|id| id.to_string()).unwrap_or_default();
    let ended = db.fetch_all(END_OTHERS, params![user, but, now], |row| row.get("id")).await?;
    db.announce().await;
    Ok(ended)
}

/// Sign-ins whose `ended_order` is at least `order`, with that order. `all`: every sign-in
/// with a JWT; otherwise only those of deleted or blocked accounts.
pub async fn ended_since(db: &Db, order: i64, all: bool) -> Result<Vec<(SignInId, i64)>> {
    let statement = if all { ENDED } else { REVOKED };
    let read = |row: &Row<'_>| Ok((row.get("id")?, row.get("ended_order")?));
    db.fetch_all(statement, params![order], read).await
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    for statement in [FORGET_EXPIRED, FORGET_ENDED] {
        while db.execute(statement, params![before, BATCH]).await? == u64::from(BATCH) {}
    }
    db.execute(FORGET_REVOCATIONS, params![before]).await?;
    Ok(())
}
