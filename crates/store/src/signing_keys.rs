//! The key ring of the JWTs. What is stored of a private key is sealed already.

use latchkey_domain::Timestamp;

use crate::db::{execute, in_transaction, on};
use crate::{Db, Result, count};

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    pub kid: String,
    /// Its algorithm, as JOSE calls it.
    pub algorithm: String,
    /// The private key, sealed with `APP_SECRET`.
    pub private_key: String,
    /// When it was made or brought here.
    pub created_at: Timestamp,
    pub signs_from: Timestamp,
    pub retired_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    kid: String,
    algorithm: String,
    private_key: String,
    created_at: i64,
    signs_from: i64,
    retired_at: Option<i64>,
}

const ALL: &str = "SELECT kid, algorithm, private_key, created_at, signs_from, retired_at \
    FROM signing_keys";

const INSERT: &str = "INSERT INTO signing_keys \
    (kid, algorithm, private_key, created_at, signs_from, retired_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kid) DO UPDATE \
    SET private_key = excluded.private_key, created_at = excluded.created_at, \
        signs_from = excluded.signs_from, retired_at = NULL";

/// Also those that nobody can open any more.
const RETIRE: &str =
    "UPDATE signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL";

const FORGET: &str = "DELETE FROM signing_keys WHERE retired_at < $1";

pub async fn all(db: &Db) -> Result<Vec<StoredKey>> {
    let rows: Vec<KeyRow> = on!(db, pool => sqlx::query_as(ALL).fetch_all(pool))?;
    let key = |row: KeyRow| StoredKey {
        kid: row.kid,
        algorithm: row.algorithm,
        private_key: row.private_key,
        created_at: Timestamp::from_millis(row.created_at),
        signs_from: Timestamp::from_millis(row.signs_from),
        retired_at: row.retired_at.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(key).collect())
}

/// Adds a key, or takes one that has retired back, and retires all others at
/// the instant at which it begins to sign.
pub async fn rotate(db: &Db, key: &StoredKey) -> Result<()> {
    in_transaction!(db, tx => {
        count::one(
            sqlx::query(INSERT)
                .bind(&key.kid)
                .bind(&key.algorithm)
                .bind(&key.private_key)
                .bind(key.created_at.as_millis())
                .bind(key.signs_from.as_millis())
                .bind(key.retired_at.map(Timestamp::as_millis))
                .execute(&mut *tx),
        )
        .await?;
        let retire = sqlx::query(RETIRE).bind(&key.kid).bind(key.signs_from.as_millis());
        count::one(retire.execute(&mut *tx)).await?;
        count::one(tx.commit()).await?;
        Ok(())
    })
}

/// Forgets keys that retired before then.
pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    execute!(db, sqlx::query(FORGET).bind(before.as_millis()))?;
    Ok(())
}
