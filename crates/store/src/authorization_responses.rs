//! Answers of providers that have come: each counts once, in every process.

use latchkey_domain::Timestamp;

use crate::values::params;
use crate::{Db, Result};

/// Of many at once only one finds the state new.
const CLAIM: &str = "INSERT INTO authorization_responses (state_hash, came_at) VALUES ($1, $2) \
    ON CONFLICT (state_hash) DO NOTHING";

const FORGET: &str = "DELETE FROM authorization_responses WHERE came_at < $1";

/// Takes an attempt for this answer, before its code is shown to anybody: a strict
/// provider that sees a code twice ends what it gave out for it. `false` when
/// another answer has it.
pub async fn claim(db: &Db, state_hash: &str, now: Timestamp) -> Result<bool> {
    Ok(db.execute(CLAIM, params![state_hash, now]).await? > 0)
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    Ok(())
}
