//! Refresh tokens: hashes, and the one statement that exchanges them.

use latchkey_domain::refresh::Known;
use latchkey_domain::sign_in::SignIn;
use latchkey_domain::{Scopes, SignInId, Timestamp, User};

use crate::query::{Row, params};
use crate::sign_ins::{self, sign_in, sign_in_columns};
use crate::users::{user, user_columns};
use crate::{Db, Result};

/// A refresh token with its sign-in and its person.
#[derive(Clone, Debug)]
pub struct Found {
    pub known: Known,
    pub scope: Scopes,
    pub client_id: String,
    pub sign_in: SignIn,
    pub user: User,
}

fn found(row: &Row) -> Result<Found> {
    Ok(Found {
        known: Known {
            expires_at: row.get("token_expires_at")?,
            used_at: row.get("used_at")?,
            ended: row.get::<Option<Timestamp>>("ended_at")?.is_some(),
        },
        scope: row.get("scope")?,
        client_id: row.get("client_id")?,
        sign_in: sign_in(row)?,
        user: user(row)?,
    })
}

const INSERT: &str = "INSERT INTO refresh_tokens \
    (hash, sign_in_id, scope, client_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";

/// Of many at once only one finds `used_at` empty.
const USE: &str = "UPDATE refresh_tokens SET used_at = $2 \
    WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 \
    AND EXISTS (SELECT 1 FROM sign_ins s \
        WHERE s.id = refresh_tokens.sign_in_id AND s.ended_at IS NULL) \
    RETURNING sign_in_id, scope, client_id, expires_at";

const SEEN: &str = "UPDATE sign_ins SET last_seen_at = $2 WHERE id = $1";

const FIND: &str = concat!(
    "SELECT t.scope, t.client_id, t.expires_at AS token_expires_at, t.used_at, s.ended_at, ",
    sign_in_columns!(),
    ", ",
    user_columns!(),
    " FROM refresh_tokens t JOIN sign_ins s ON s.id = t.sign_in_id \
      JOIN users u ON u.id = s.user_id WHERE t.hash = $1"
);

/// Stores a sign-in with a JWT, and its first refresh token.
pub async fn begin_family(
    db: &Db,
    sign_in: &SignIn,
    hash: &str,
    scope: &Scopes,
    client_id: &str,
) -> Result<()> {
    let SignIn { id, created_at, expires_at, .. } = sign_in;
    let mut tx = db.begin().await?;
    tx.execute(sign_ins::INSERT, &sign_ins::values(sign_in, &None)).await?;
    tx.execute(INSERT, params![hash, id, scope, client_id, created_at, expires_at]).await?;
    tx.commit().await
}

/// Exchanges a token for its successor, unless it was exchanged before. Says
/// whether it did.
pub async fn exchange(
    db: &Db,
    hash: &str,
    successor: &str,
    sign_in: SignInId,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    // The sign-in before the token: a deletion locks them in this order too, so
    // that neither waits for the other in a circle.
    tx.execute(SEEN, params![sign_in, now]).await?;
    let read = |row: &Row| -> Result<(SignInId, Scopes, String, Timestamp)> {
        Ok((
            row.get("sign_in_id")?,
            row.get("scope")?,
            row.get("client_id")?,
            row.get("expires_at")?,
        ))
    };
    let used = tx.fetch_optional(USE, params![hash, now], read).await?;
    let Some((id, scope, client_id, expires_at)) = used else { return Ok(false) };
    tx.execute(INSERT, params![successor, id, scope, client_id, now, expires_at]).await?;
    tx.commit().await?;
    Ok(true)
}

/// A token with its sign-in and its person, whatever state it is in.
pub async fn find(db: &Db, hash: &str) -> Result<Option<Found>> {
    db.fetch_optional(FIND, params![hash], found).await
}
