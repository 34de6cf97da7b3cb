//! Connections, with their encrypted tokens.
//!
//! [`lease`] serializes their refreshes, and [`ending`] revokes them.

pub mod ending;
pub mod lease;

use latchkey_domain::connection::{Connection, Failure, LastFailure, ProviderScopes, State};
use latchkey_domain::{ConnectionId, DisplayName, Email, Timestamp, UserId};

use crate::values::{Row, params};
use crate::{Db, Error, Result};

/// Superseded grants kept for a user and provider, to be revoked with the current one. Older
/// ones are deleted.
const MAX_SUPERSEDED: i64 = 10;

/// The tokens of a connection, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedTokens {
    pub access: String,
    pub refresh: Option<String>,
    /// The secret that they are encrypted with.
    pub key_id: String,
}

impl std::fmt::Debug for EncryptedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptedTokens").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
pub struct StoredConnection {
    pub connection: Connection,
    /// `None` when the account was deleted.
    pub user: Option<UserId>,
    /// The issuer of the tokens. They are sent only there, even if the settings later use
    /// the provider's name for another issuer.
    pub issuer: String,
    pub subject: String,
    pub tokens: EncryptedTokens,
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewConnection {
    pub id: ConnectionId,
    pub user: UserId,
    pub provider: String,
    pub issuer: String,
    pub subject: String,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub requested: ProviderScopes,
    pub granted: ProviderScopes,
    pub tokens: EncryptedTokens,
    pub expires_at: Option<Timestamp>,
}

/// The columns that [`stored`] reads.
macro_rules! columns {
    () => {
        "id, user_id, provider, issuer, subject, name, email, asked, granted, access_token, \
         refresh_token, sealed_with, expires_at, connected_at, used_at, refreshed_at, trouble_at, trouble, \
         broken_at, broken_because, disconnecting_at, tries, next_try_at, version"
    };
}
use columns;

fn stored(row: &Row<'_>) -> Result<StoredConnection> {
    let refresh: Option<String> = row.get("refresh_token")?;
    let trouble_at: Option<Timestamp> = row.get("trouble_at")?;
    let trouble: Option<Failure> = row.get("trouble")?;
    Ok(StoredConnection {
        user: row.get("user_id")?,
        version: row.get("version")?,
        connection: Connection {
            id: row.get("id")?,
            state: state(row)?,
            last_failure: trouble_at.zip(trouble).map(|(at, failure)| LastFailure { at, failure }),
            name: row.get("name")?,
            email: row.get("email")?,
            requested: row.get("asked")?,
            granted: row.get("granted")?,
            connected_at: row.get("connected_at")?,
            expires_at: row.get("expires_at")?,
            renewable: refresh.is_some(),
            used_at: row.get("used_at")?,
            refreshed_at: row.get("refreshed_at")?,
            provider: row.get("provider")?,
        },
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        tokens: EncryptedTokens {
            access: row.get("access_token")?,
            refresh,
            key_id: row.get("sealed_with")?,
        },
    })
}

fn state(row: &Row<'_>) -> Result<State> {
    if let Some(since) = row.get("disconnecting_at")? {
        let tries: i64 = row.get("tries")?;
        return Ok(State::Disconnecting {
            since,
            tries: u32::try_from(tries).map_err(|_| Error::Unreadable("tries"))?,
            next_try_at: row.get::<Option<Timestamp>>("next_try_at")?.unwrap_or(since),
        });
    }
    let Some(since) = row.get("broken_at")? else { return Ok(State::Active) };
    Ok(State::NeedsReconnect { since, reason: row.get("broken_because")? })
}

const LOCK: &str = "UPDATE users SET id = id WHERE id = $1";

const REPLACE: &str = "UPDATE connections SET disconnecting_at = $5, next_try_at = $5 \
    WHERE user_id = $1 AND provider = $2 AND NOT (issuer = $3 AND subject = $4) \
    AND disconnecting_at IS NULL";

const SUPERSEDE: &str = "UPDATE connections SET superseded_at = $3 \
    WHERE user_id = $1 AND provider = $2 AND superseded_at IS NULL AND disconnecting_at IS NULL";

const FORGET_OLDEST: &str = "DELETE FROM connections WHERE user_id = $1 AND provider = $2 \
    AND superseded_at IS NOT NULL AND disconnecting_at IS NULL AND id NOT IN ( \
        SELECT id FROM connections WHERE user_id = $1 AND provider = $2 \
        AND superseded_at IS NOT NULL ORDER BY id DESC LIMIT $3)";

const INSERT: &str = "INSERT INTO connections (id, user_id, provider, issuer, subject, name, \
    email, asked, granted, access_token, refresh_token, sealed_with, expires_at, connected_at, \
    tries, version) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 1)";

const CURRENT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE user_id = $1 AND provider = $2 \
      AND superseded_at IS NULL AND disconnecting_at IS NULL"
);

/// Includes their subjects at one issuer, as rows without an id.
const OF_USER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE user_id = $1 \
      AND (superseded_at IS NULL OR disconnecting_at IS NOT NULL) \
      UNION ALL SELECT '', user_id, provider, issuer, subject, name, email, '', '', '', NULL, '', \
          NULL, linked_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0 \
      FROM identities WHERE user_id = $1 AND issuer = $2 ORDER BY id DESC"
);

const RECORD_USE: &str =
    "UPDATE connections SET used_at = $2, trouble_at = NULL, trouble = NULL WHERE id = $1";

const RECORD_FAILURE: &str = "UPDATE connections SET trouble_at = $2, trouble = $3 WHERE id = $1";

const ENCRYPTED_WITH_OTHER_KEYS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM connections WHERE sealed_with <> $1 AND id > $2 ORDER BY id LIMIT $3"
);

/// Keeps the version, as the tokens are the same: a concurrent refresh overwrites this, never
/// the other way around.
const STORE_REENCRYPTED: &str = "UPDATE connections SET access_token = $3, refresh_token = $4, \
    sealed_with = $5 WHERE id = $1 AND version = $2";

/// Stores a connection. Returns `false` when the user was deleted.
///
/// An earlier connection to the same account at the provider is superseded: its tokens are
/// kept, to be revoked with these. A connection to another account there is disconnected.
pub async fn add(db: &Db, new: &NewConnection, now: Timestamp) -> Result<bool> {
    let NewConnection {
        id, user, provider, issuer, subject, name, email, requested, granted, ..
    } = new;
    let NewConnection { tokens: EncryptedTokens { access, refresh, key_id }, expires_at, .. } = new;
    let mut tx = db.begin().await?;
    // Serializes concurrent tabs, and a deletion of the account.
    if tx.execute(LOCK, params![user]).await? == 0 {
        return Ok(false);
    }
    tx.execute(REPLACE, params![user, provider, issuer, subject, now]).await?;
    tx.execute(SUPERSEDE, params![user, provider, now]).await?;
    tx.execute(FORGET_OLDEST, params![user, provider, MAX_SUPERSEDED]).await?;
    let insert = params![
        id, user, provider, issuer, subject, name, email, requested, granted, access, refresh,
        key_id, expires_at, now
    ];
    tx.execute(INSERT, insert).await?;
    tx.commit().await?;
    Ok(true)
}

/// The active connection of a user at a provider.
pub async fn current(db: &Db, user: UserId, provider: &str) -> Result<Option<StoredConnection>> {
    db.fetch_optional(CURRENT, params![user, provider], stored).await
}

/// Every connection of a user, including those being revoked, newest first; and the user's
/// subjects at an issuer.
pub async fn of_user(
    db: &Db,
    user: UserId,
    issuer: Option<&str>,
) -> Result<(Vec<StoredConnection>, Vec<String>)> {
    let (mut connections, mut subjects) = (Vec::new(), Vec::new());
    let read = |row: &Row<'_>| match row.get::<String>("id")?.is_empty() {
        true => row.get("subject").map(|subject| (None, Some(subject))),
        false => stored(row).map(|stored| (Some(stored), None)),
    };
    for (connection, subject) in db.fetch_all(OF_USER, params![user, issuer], read).await? {
        connections.extend(connection);
        subjects.extend(subject);
    }
    Ok((connections, subjects))
}

/// Records a successful use, and clears the last failure.
pub async fn record_use(db: &Db, id: ConnectionId, now: Timestamp) -> Result<()> {
    db.execute(RECORD_USE, params![id, now]).await?;
    Ok(())
}

pub async fn record_failure(
    db: &Db,
    id: ConnectionId,
    what: Failure,
    now: Timestamp,
) -> Result<()> {
    db.execute(RECORD_FAILURE, params![id, now, what]).await?;
    Ok(())
}

/// A page of the connections that are not encrypted with this key.
pub async fn encrypted_with_other_keys(
    db: &Db,
    key_id: &str,
    after: Option<ConnectionId>,
    limit: u32,
) -> Result<Vec<StoredConnection>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    db.fetch_all(ENCRYPTED_WITH_OTHER_KEYS, params![key_id, after, limit], stored).await
}

/// Stores the same tokens, encrypted again, unless they were refreshed meanwhile.
pub async fn store_reencrypted(
    db: &Db,
    id: ConnectionId,
    version: i64,
    tokens: &EncryptedTokens,
) -> Result<()> {
    let EncryptedTokens { access, refresh, key_id } = tokens;
    db.execute(STORE_REENCRYPTED, params![id, version, access, refresh, key_id]).await?;
    Ok(())
}
