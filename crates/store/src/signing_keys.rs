//! The signing keys of JWTs, with encrypted private keys.

use latchkey_domain::Timestamp;

use crate::values::{Row, params};
use crate::{Db, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    pub kid: String,
    pub algorithm: String,
    pub private_key: String,
    pub created_at: Timestamp,
    pub signs_from: Timestamp,
    pub retired_at: Option<Timestamp>,
}

fn stored_key(row: &Row<'_>) -> Result<StoredKey> {
    Ok(StoredKey {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        private_key: row.get("private_key")?,
        created_at: row.get("created_at")?,
        signs_from: row.get("signs_from")?,
        retired_at: row.get("retired_at")?,
    })
}

const ALL: &str = "SELECT kid, algorithm, private_key, created_at, signs_from, retired_at \
    FROM signing_keys";

const INSERT: &str = "INSERT INTO signing_keys \
    (kid, algorithm, private_key, created_at, signs_from, retired_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kid) DO UPDATE \
    SET private_key = excluded.private_key, created_at = excluded.created_at, \
        signs_from = excluded.signs_from, retired_at = NULL";

/// Also retires keys that can no longer be decrypted.
const RETIRE: &str =
    "UPDATE signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL";

const FORGET: &str = "DELETE FROM signing_keys WHERE retired_at < $1";

pub async fn all(db: &Db) -> Result<Vec<StoredKey>> {
    db.fetch_all(ALL, params![], stored_key).await
}

/// Adds or reactivates a key, and retires all others when it begins to sign.
pub async fn rotate(db: &Db, key: &StoredKey) -> Result<()> {
    let StoredKey { kid, algorithm, private_key, created_at, signs_from, retired_at } = key;
    let insert = params![kid, algorithm, private_key, created_at, signs_from, retired_at];
    let mut tx = db.begin().await?;
    tx.execute(INSERT, insert).await?;
    tx.execute(RETIRE, params![kid, signs_from]).await?;
    tx.commit().await?;
    db.announce().await;
    Ok(())
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    Ok(())
}
