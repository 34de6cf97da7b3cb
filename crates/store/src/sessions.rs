//! The tower-sessions store: a session is a row of `sign_ins`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use latchkey_domain::sign_in::{Lifetime, SignIn};
use latchkey_domain::{Clock, SignInId, Timestamp, User};
use parking_lot::Mutex;
use serde_json::Value;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use crate::session_cache::SessionCache;
use crate::sign_ins::{self, sign_in, sign_in_columns};
use crate::users::{user, user_columns};
use crate::values::{Row, params};
use crate::{Db, Error, Result, hash};

/// The key of the [`SignIn`] in a tower-sessions record.
pub const SIGN_IN: &str = "sign_in";

/// Server sessions, which exist only for signed-in users.
///
/// The database holds a hash of the id, which nobody can sign in with. The session data is
/// one sign-in, in columns, so that sign-ins can be listed and ended.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
    clock: Clock,
    lifetime: Lifetime,
    cache: Option<SessionCache>,
    /// Sign-ins whose last use is being written.
    updating: Arc<Mutex<HashSet<SignInId>>>,
}

impl Sessions {
    pub fn new(db: Db, clock: Clock, lifetime: Lifetime) -> Self {
        Self { db, clock, lifetime, cache: None, updating: Arc::default() }
    }

    /// Caches sessions for up to a second (`SESSION_CACHE=watch`).
    pub fn with_cache(mut self) -> Self {
        self.cache = Some(SessionCache::default());
        self
    }

    /// Finds the sign-in of a session and its user in one statement, which checks both the
    /// idle and the absolute limit.
    pub async fn find(&self, id: &Id) -> Result<Option<(Arc<SignIn>, Arc<User>)>> {
        let now = self.clock.now();
        let hash = hash_of(id);
        let cached = self.cache.as_ref().and_then(|cache| cache.get(&hash, now));
        if cached.is_some() {
            return Ok(cached);
        }
        let evictions = self.cache.as_ref().map_or(0, SessionCache::evictions);
        let read_at = Instant::now();
        let used_after = now.minus(self.lifetime.idle);
        let params = params![hash, now, used_after];
        let found = self.db.read_optional(FIND, params, sign_in_and_user).await?;
        if let (Some(cache), Some(found)) = (&self.cache, &found) {
            cache.put(hash, found.clone(), read_at, evictions);
        }
        Ok(found)
    }

    /// Updates the time of last use in the background, once for concurrent requests.
    pub fn record_use(&self, sign_in: SignInId, now: Timestamp) {
        if !self.updating.lock().insert(sign_in) {
            return;
        }
        let sessions = self.clone();
        tokio::spawn(async move {
            if let Err(error) = sign_ins::record_use(&sessions.db, sign_in, now).await {
                tracing::warn!(%error, "the last use of a session was not recorded");
            }
            // The cached sign-in has the old time.
            sessions.invalidate(sign_in);
            sessions.updating.lock().remove(&sign_in);
        });
    }

    fn evict(&self, hash: &str) {
        if let Some(cache) = &self.cache {
            cache.evict(hash);
        }
    }

    /// Removes the session of a sign-in that ended or changed from the cache.
    pub fn invalidate(&self, sign_in: SignInId) {
        if let Some(cache) = &self.cache {
            cache.evict_sign_in(sign_in);
        }
    }
}

fn sign_in_and_user(row: &Row<'_>) -> Result<(Arc<SignIn>, Arc<User>)> {
    Ok((Arc::new(sign_in(row)?), Arc::new(user(row)?)))
}

const FIND: &str = concat!(
    "SELECT ",
    sign_in_columns!(),
    ", ",
    user_columns!(),
    " FROM sign_ins s JOIN users u ON u.id = s.user_id \
      WHERE s.session_hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.last_seen_at > $3"
);

const SAVE: &str = "UPDATE sign_ins SET authenticated_at = $2, expires_at = $3 \
    WHERE session_hash = $1 AND ended_at IS NULL";

const DELETE: &str =
    "UPDATE sign_ins SET ended_at = $2 WHERE session_hash = $1 AND ended_at IS NULL";

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // Never use an id that the client sent.
        record.id = Id::default();
        let sign_in = sign_in_of(record)?;
        sign_ins::insert(&self.db, &sign_in, Some(&hash_of(&record.id))).await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let sign_in = sign_in_of(record)?;
        let hash = hash_of(&record.id);
        let params = params![hash, sign_in.authenticated_at, sign_in.expires_at];
        self.db.execute(SAVE, params).await.map_err(backend)?;
        self.evict(&hash);
        Ok(())
    }

    /// Used by tower-sessions to change the id. Requests use [`Sessions::find`].
    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let Some((sign_in, _)) = self.find(id).await.map_err(backend)? else { return Ok(None) };
        let expiry_date = sign_in.expires_at.offset_date_time();
        let sign_in = serde_json::to_value(&*sign_in)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: [(SIGN_IN.to_owned(), sign_in)].into(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let (hash, now) = (hash_of(id), self.clock.now());
        self.db.execute(DELETE, params![hash, now]).await.map_err(backend)?;
        self.evict(&hash);
        Ok(())
    }
}

fn hash_of(id: &Id) -> String {
    hash::sha256_hex(&id.to_string())
}

fn sign_in_of(record: &Record) -> session_store::Result<SignIn> {
    let value = record.data.get(SIGN_IN).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|error| session_store::Error::Encode(error.to_string()))
}

fn backend(error: Error) -> session_store::Error {
    tracing::error!(error = &error as &dyn std::error::Error, "the session store failed");
    session_store::Error::Backend(error.to_string())
}
