//! The key ring of the JWTs. What is stored of a private key is sealed already.

use latchkey_domain::Timestamp;

use crate::db::{execute, in_transaction, on};
use crate::{Db, Result, count};

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name.
    pub kid: String,
    /// Its algorithm, as JOSE calls it.
    pub algorithm: String,
    /// The private key, sealed with `APP_SECRET`.
    pub private_key: String,
    /// When it was made or brought here.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When it ceases to.
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
    VALUES ($1, $2, $3, $4, $5, $6)";

const RETIRE: &str =
    "UPDATE signing_keys SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL";

const FORGET: &str = "DELETE FROM signing_keys WHERE kid = $1";

/// Every key of the ring.
///
/// # Errors
/// When the database does.
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

/// Adds a key, and retires others at the instant at which it begins to sign.
///
/// # Errors
/// [`Error::Exists`](crate::Error::Exists) when the key is there already.
pub async fn rotate(db: &Db, key: &StoredKey, retires: &[String]) -> Result<()> {
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
        for kid in retires {
            let statement = sqlx::query(RETIRE).bind(kid).bind(key.signs_from.as_millis());
            count::one(statement.execute(&mut *tx)).await?;
        }
        count::one(tx.commit()).await?;
        Ok(())
    })
}

/// Forgets a key that nothing is signed with any longer.
///
/// # Errors
/// When the database does.
pub async fn forget(db: &Db, kid: &str) -> Result<()> {
    execute!(db, sqlx::query(FORGET).bind(kid))?;
    Ok(())
}
