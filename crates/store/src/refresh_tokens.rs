//! Refresh tokens: their hashes, and their rotation.

use latchkey_domain::refresh::RefreshTokenState;
use latchkey_domain::sign_in::SignIn;
use latchkey_domain::{Scopes, Timestamp, User};

use crate::sign_ins::{self, sign_in, sign_in_columns};
use crate::users::{user, user_columns};
use crate::values::{Row, params};
use crate::{Db, Result};

/// A refresh token with its sign-in and user.
#[derive(Clone, Debug)]
pub struct StoredRefreshToken {
    pub known: RefreshTokenState,
    /// The hash of the token that replaced it.
    pub successor: Option<String>,
    pub scope: Scopes,
    pub client_id: String,
    pub sign_in: SignIn,
    pub user: User,
}

fn found(row: &Row<'_>) -> Result<StoredRefreshToken> {
    Ok(StoredRefreshToken {
        known: RefreshTokenState {
            expires_at: row.get("token_expires_at")?,
            used_at: row.get("used_at")?,
            ended: row.get::<Option<Timestamp>>("ended_at")?.is_some(),
        },
        successor: row.get("successor")?,
        scope: row.get("scope")?,
        client_id: row.get("client_id")?,
        sign_in: sign_in(row)?,
        user: user(row)?,
    })
}

const INSERT: &str = "INSERT INTO refresh_tokens \
    (hash, sign_in_id, scope, client_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";

/// A unique index allows one successor, so only one of several concurrent requests inserts.
const EXCHANGE: &str = "INSERT INTO refresh_tokens \
    (hash, sign_in_id, scope, client_id, issued_at, expires_at, predecessor) \
    SELECT $2, t.sign_in_id, t.scope, t.client_id, $3, t.expires_at, t.hash \
    FROM refresh_tokens t JOIN sign_ins s ON s.id = t.sign_in_id \
    WHERE t.hash = $1 AND t.used_at IS NULL AND t.expires_at > $3 AND s.ended_at IS NULL \
    ON CONFLICT DO NOTHING";

const USED: &str = "UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1";

const FIND: &str = concat!(
    "SELECT t.scope, t.client_id, t.expires_at AS token_expires_at, \
     COALESCE(n.issued_at, t.used_at) AS used_at, n.hash AS successor, s.ended_at, ",
    sign_in_columns!(last_used),
    ", ",
    user_columns!(),
    " FROM refresh_tokens t JOIN sign_ins s ON s.id = t.sign_in_id \
      JOIN users u ON u.id = s.user_id \
      LEFT JOIN refresh_tokens n ON n.predecessor = t.hash WHERE t.hash = $1"
);

/// Stores a sign-in with a JWT and its first refresh token.
pub async fn begin_family(
    db: &Db,
    sign_in: &SignIn,
    hash: &str,
    scope: &Scopes,
    client_id: &str,
) -> Result<()> {
    let SignIn { id, user_id, created_at, expires_at, .. } = sign_in;
    let mut tx = db.begin().await?;
    let statement = sign_ins::insert_statement(db.backend());
    if tx.execute(statement, &sign_ins::values(sign_in, &None)).await? == 0 {
        drop(tx);
        return Err(sign_ins::insert_error(db, *user_id).await);
    }
    let oldest = params![user_id, created_at, sign_ins::MAX_ACTIVE];
    let ended = tx.execute(sign_ins::END_OLDEST, oldest).await?;
    tx.execute(INSERT, params![hash, id, scope, client_id, created_at, expires_at]).await?;
    tx.commit().await?;
    if ended > 0 {
        db.announce().await;
    }
    Ok(())
}

/// Replaces a token by its successor. Returns `false` if it already has one, has expired, or
/// its sign-in ended.
pub async fn exchange(db: &Db, hash: &str, successor: &str, now: Timestamp) -> Result<bool> {
    let exchanged = db.execute(EXCHANGE, params![hash, successor, now]).await? > 0;
    if exchanged {
        db.execute(USED, params![hash, now]).await?;
    }
    Ok(exchanged)
}

/// Finds a token in any state.
pub async fn find(db: &Db, hash: &str) -> Result<Option<StoredRefreshToken>> {
    db.fetch_optional(FIND, params![hash], found).await
}
