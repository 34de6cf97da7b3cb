//! The tower-sessions store: server sessions, kept as sign-ins.

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

/// Where tower-sessions holds the [`SignIn`] that a session is made of.
pub const SIGN_IN: &str = "sign_in";

/// Server sessions. Only people who have signed in have one, so a visitor
/// costs no row.
///
/// The id is kept as a hash alone: whoever reads the database cannot sign in
/// with what they find. What a session holds is not a bag of values but one
/// sign-in, in columns, so that sign-ins can be listed and ended.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
    clock: Clock,
    lifetime: Lifetime,
    cache: Option<SessionCache>,
    being_noted: Arc<Mutex<HashSet<SignInId>>>,
}

impl Sessions {
    /// The sessions of this database, which live for so long.
    pub fn new(db: Db, clock: Clock, lifetime: Lifetime) -> Self {
        Self { db, clock, lifetime, cache: None, being_noted: Arc::default() }
    }

    /// The same, but a session that was read within the last second is not
    /// read again (`SESSION_CACHE=watch`).
    pub fn with_cache(mut self) -> Self {
        self.cache = Some(SessionCache::default());
        self
    }

    /// The sign-in that carries this session, and whose it is: one statement,
    /// in which both limits stand. The user is always fresh.
    pub async fn find(&self, id: &Id) -> Result<Option<(Arc<SignIn>, Arc<User>)>> {
        let now = self.clock.now();
        let hash = hash_of(id);
        let believed = self.cache.as_ref().and_then(|cache| cache.get(&hash, now));
        if believed.is_some() {
            return Ok(believed);
        }
        let forgotten = self.cache.as_ref().map_or(0, SessionCache::forgotten);
        let asked_at = Instant::now();
        let seen_after = now.minus(self.lifetime.idle);
        let params = params![hash, now, seen_after];
        let found = self.db.read_optional(FIND, params, sign_in_and_user).await?;
        let Some(found) = found else { return Ok(None) };
        if let Some(cache) = &self.cache {
            cache.put(hash, found.clone(), asked_at, forgotten);
        }
        Ok(Some(found))
    }

    /// Writes down beside the request that somebody was here: once, however many
    /// requests see at the same time that it is due.
    pub fn record_use(&self, sign_in: SignInId, now: Timestamp) {
        if !self.being_noted.lock().insert(sign_in) {
            return;
        }
        let own = self.clone();
        tokio::spawn(async move {
            if let Err(error) = sign_ins::record_use(&own.db, sign_in, now).await {
                tracing::warn!(%error, "a visit could not be noted");
            }
            // What is remembered says still that it is due.
            own.invalidate(sign_in);
            own.being_noted.lock().remove(&sign_in);
        });
    }

    fn forget(&self, id: &Id) {
        if let Some(cache) = &self.cache {
            cache.forget(&hash_of(id));
        }
    }

    /// Takes note that a sign-in has ended: its session is not believed again.
    pub fn invalidate(&self, sign_in: SignInId) {
        if let Some(cache) = &self.cache {
            cache.forget_sign_in(sign_in);
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
        // A session is never made under an id that came from outside.
        record.id = Id::default();
        let sign_in = sign_in_of(record)?;
        sign_ins::insert(&self.db, &sign_in, Some(&hash_of(&record.id))).await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let sign_in = sign_in_of(record)?;
        let hash = hash_of(&record.id);
        let params = params![hash, sign_in.authenticated_at, sign_in.expires_at];
        self.db.execute(SAVE, params).await.map_err(backend)?;
        self.forget(&record.id);
        Ok(())
    }

    /// Only for a session that is to get a new id: whoever wants to know who is
    /// signed in asks [`Sessions::find`].
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
        self.forget(id);
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
