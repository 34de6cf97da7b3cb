//! The sign-ins whose JWTs are rejected before they expire, in every process.
//!
//! With `JWT_REVOCATION=watch`, all revoked sign-ins. With `expiry`, only those of deleted
//! or blocked accounts.

use latchkey_domain::{SignInId, Span, Timestamp};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use latchkey_store::{Db, sign_ins};

/// Allowed clock skew between processes.
const CLOCK_SKEW: Span = Span::seconds(60);

/// How far back in `ended_order` (milliseconds, nearly) revocations are read again: PostgreSQL
/// transactions can commit in another order.
const OVERLAP: i64 = 10_000;

/// Revoked sign-ins, for the lifetime of their tokens.
#[derive(Debug)]
pub struct RevocationList {
    state: RwLock<State>,
    retention: Span,
    watches_all: bool,
}

#[derive(Debug, Default)]
struct State {
    /// With the time when this process read it.
    revoked: HashMap<SignInId, Instant>,
    /// The last sequence number that was read.
    position: Option<i64>,
}

impl RevocationList {
    /// `watches_all` is `JWT_REVOCATION=watch`.
    pub fn new(access_ttl: Span, leeway: Span, watches_all: bool) -> Self {
        let retention = access_ttl + leeway + CLOCK_SKEW;
        Self { state: RwLock::default(), retention, watches_all }
    }

    pub fn contains(&self, sign_in: SignInId) -> bool {
        self.state.read().revoked.contains_key(&sign_in)
    }

    /// For a sign-in that this process revoked.
    pub fn insert_if_watching(&self, sign_in: SignInId) {
        if self.watches_all {
            self.insert(sign_in);
        }
    }

    /// For the sign-ins of a deleted or blocked account.
    pub fn insert(&self, sign_in: SignInId) {
        self.state.write().revoked.entry(sign_in).or_insert_with(Instant::now);
    }

    /// Reads new revocations and drops expired ones. The first call reads by time; later calls
    /// read by sequence number, which depends on no clock. On an error, the list stays.
    pub async fn poll(&self, db: &Db, now: Timestamp) -> Result<(), latchkey_store::Error> {
        let position = self.state.read().position.map(|position| position - OVERLAP);
        let from = position.unwrap_or(now.minus(self.retention).as_millis());
        let revoked = sign_ins::ended_since(db, from, self.watches_all).await?;
        let (read_at, retention) = (Instant::now(), Duration::from(self.retention));
        let mut state = self.state.write();
        state.revoked.retain(|_, at| read_at.duration_since(*at) < retention);
        for (sign_in, position) in revoked {
            state.revoked.entry(sign_in).or_insert(read_at);
            state.position = state.position.max(Some(position));
        }
        Ok(())
    }
}
