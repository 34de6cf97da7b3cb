//! Sign-ins whose JWTs are refused before they expire, known in every process.
//!
//! With `JWT_REVOCATION=watch` that is every sign-in that has ended. With
//! `expiry` it is only those whose account was deleted: nobody may act for
//! somebody who is gone, not for five minutes either.

use parking_lot::RwLock;
use std::collections::HashMap;

use latchkey_domain::{SignInId, Span, Timestamp};
use latchkey_store::{Db, sign_ins};

/// How often each process asks the database what has ended, off the path of
/// any request. Half of the second within which a token has to be refused.
pub const POLL_EVERY: Span = Span::millis(400);

/// By how much the times that processes write may differ, and commits be late.
const OVERLAP: Span = Span::seconds(10);

/// The sign-ins that have ended, for as long as a token of theirs may live.
#[derive(Debug)]
pub struct RevocationList {
    ended: RwLock<HashMap<SignInId, Timestamp>>,
    remembered_for: Span,
    watches_all: bool,
}

impl RevocationList {
    /// Remembers a sign-in for as long as a token that it issued is believed:
    /// its lifetime and the leeway. `watches_all` is `JWT_REVOCATION=watch`.
    pub fn new(access_ttl: Span, leeway: Span, watches_all: bool) -> Self {
        let remembered_for =
            Span::millis(access_ttl.as_millis() + leeway.as_millis() + OVERLAP.as_millis());
        Self { ended: RwLock::default(), remembered_for, watches_all }
    }

    pub fn contains(&self, sign_in: SignInId) -> bool {
        self.ended.read().contains_key(&sign_in)
    }

    /// For what ended in this very process.
    pub fn insert_if_watching(&self, sign_in: SignInId, at: Timestamp) {
        if self.watches_all {
            self.insert(sign_in, at);
        }
    }

    /// For the sign-ins of an account that is gone.
    pub fn insert(&self, sign_in: SignInId, at: Timestamp) {
        self.ended.write().insert(sign_in, at);
    }

    /// Asks the database what else has ended, and forgets what has expired.
    /// `since` is the last time that this went well, if it ever did.
    ///
    /// # Errors
    /// When the database does not answer: then what is known already stays known.
    pub async fn poll(
        &self,
        db: &Db,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), latchkey_store::Error> {
        let oldest = now.minus(self.remembered_for);
        let since = since.map_or(oldest, |since| since.minus(OVERLAP));
        let mut news = sign_ins::revoked_since(db, since).await?;
        if self.watches_all {
            news.extend(sign_ins::ended_since(db, since).await?);
        }
        let mut ended = self.ended.write();
        ended.extend(news);
        ended.retain(|_, at| *at >= oldest);
        Ok(())
    }
}
