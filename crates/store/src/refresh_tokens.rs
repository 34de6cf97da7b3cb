//! Refresh tokens: hashes, and the one statement that exchanges them.

use latchkey_domain::refresh::Known;
use latchkey_domain::sign_in::SignIn;
use latchkey_domain::{Scopes, SignInId, Timestamp, User};

use crate::db::{in_transaction, on};
use crate::sign_ins::{SignInRow, insert_sign_in, sign_in_columns};
use crate::users::{UserRow, user_columns};
use crate::{Db, Error, Result, count};

/// A refresh token with its sign-in and its person.
#[derive(Clone, Debug)]
pub struct Found {
    pub known: Known,
    /// What its access tokens may do.
    pub scope: Scopes,
    /// The program that it was issued to.
    pub client_id: String,
    /// The sign-in whose family it belongs to.
    pub sign_in: SignIn,
    pub user: User,
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    scope: String,
    client_id: String,
    token_expires_at: i64,
    used_at: Option<i64>,
    ended_at: Option<i64>,
    #[sqlx(flatten)]
    sign_in: SignInRow,
    #[sqlx(flatten)]
    user: UserRow,
}

const INSERT: &str = "INSERT INTO refresh_tokens \
    (hash, sign_in_id, scope, client_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";

/// The exchange. Of many at once only one finds `used_at` empty.
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

/// Writes down a sign-in that carries a JWT, with its first refresh token.
pub async fn begin_family(
    db: &Db,
    sign_in: &SignIn,
    hash: &str,
    scope: &Scopes,
    client_id: &str,
) -> Result<()> {
    in_transaction!(db, tx => {
        count::one(insert_sign_in!(sign_in, None::<&str>).execute(&mut *tx)).await?;
        count::one(
            sqlx::query(INSERT)
                .bind(hash)
                .bind(sign_in.id.to_string())
                .bind(scope.to_string())
                .bind(client_id)
                .bind(sign_in.created_at.as_millis())
                .bind(sign_in.expires_at.as_millis())
                .execute(&mut *tx),
        )
        .await?;
        count::one(tx.commit()).await?;
        Ok(())
    })
}

/// Exchanges a token for its successor, if nobody has yet. Says whether it did.
pub async fn exchange(
    db: &Db,
    hash: &str,
    successor: &str,
    sign_in: SignInId,
    now: Timestamp,
) -> Result<bool> {
    in_transaction!(db, tx => {
        // The sign-in before the token: the order in which a deletion takes
        // them, so that neither waits for the other in a circle.
        let seen = sqlx::query(SEEN).bind(sign_in.to_string()).bind(now.as_millis());
        count::one(seen.execute(&mut *tx)).await?;
        let statement = sqlx::query_as(USE).bind(hash).bind(now.as_millis());
        let used: Option<(String, String, String, i64)> =
            count::one(statement.fetch_optional(&mut *tx)).await?;
        let Some((sign_in_id, scope, client_id, expires_at)) = used else {
            // Dropping the transaction rolls it back; nothing was written.
            return Ok(false);
        };
        count::one(
            sqlx::query(INSERT)
                .bind(successor)
                .bind(&sign_in_id)
                .bind(scope)
                .bind(client_id)
                .bind(now.as_millis())
                .bind(expires_at)
                .execute(&mut *tx),
        )
        .await?;
        count::one(tx.commit()).await?;
        Ok(true)
    })
}

/// A token with everything that goes with it, whatever became of it.
pub async fn find(db: &Db, hash: &str) -> Result<Option<Found>> {
    let row: Option<FoundRow> =
        on!(db, pool => sqlx::query_as(FIND).bind(hash).fetch_optional(pool))?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        known: Known {
            expires_at: Timestamp::from_millis(row.token_expires_at),
            used_at: row.used_at.map(Timestamp::from_millis),
            ended: row.ended_at.is_some(),
        },
        scope: row.scope.parse().map_err(|_| Error::Unreadable("scope"))?,
        client_id: row.client_id,
        sign_in: row.sign_in.try_into()?,
        user: row.user.try_into()?,
    }))
}
