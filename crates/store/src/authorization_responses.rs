//! Authorization responses, each of which is accepted once across all processes.

use latchkey_domain::Timestamp;

use crate::values::params;
use crate::{Db, Result};

const CLAIM: &str = "INSERT INTO authorization_responses (state_hash, came_at) VALUES ($1, $2) \
    ON CONFLICT (state_hash) DO NOTHING";

const FORGET: &str = "DELETE FROM authorization_responses WHERE came_at < $1";

/// Claims a state before its code is exchanged: if a code is used twice, the provider should
/// revoke its tokens (RFC 6749 §4.1.2). `false` when it was claimed before.
pub async fn claim(db: &Db, state_hash: &str, now: Timestamp) -> Result<bool> {
    Ok(db.execute(CLAIM, params![state_hash, now]).await? > 0)
}

pub async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    db.execute(FORGET, params![before]).await?;
    Ok(())
}
