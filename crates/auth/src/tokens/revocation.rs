//! Sign-ins whose JWTs are refused before they expire, known in every process.
//!
//! With `JWT_REVOCATION=watch` that is every sign-in that has ended. With
//! `expiry` it is only those whose account was deleted: nobody may act for
//! somebody who is gone, not for five minutes either.

use latchkey_domain::{SignInId, Span, Timestamp};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use latchkey_store::{Db, sign_ins};

/// By how much the clocks of processes may differ before a sign-in that has
/// ended is forgotten too early.
const CLOCKS_DIFFER: Span = Span::seconds(60);

/// How far back in the order of endings is read again, because PostgreSQL's
/// transactions need not be seen in the order in which they took their places.
const OVERLAP: i64 = 10_000;

/// The sign-ins that have ended, for as long as a token of theirs may live.
#[derive(Debug)]
pub struct RevocationList {
    known: RwLock<Known>,
    remembered_for: Span,
    watches_all: bool,
}

#[derive(Debug, Default)]
struct Known {
    /// When this process heard of each.
    ended: HashMap<SignInId, Instant>,
    /// The last place in the order of endings that was read.
    place: Option<i64>,
}

impl RevocationList {
    /// Remembers a sign-in for as long as a token that it issued is believed:
    /// its lifetime and the leeway. `watches_all` is `JWT_REVOCATION=watch`.
    pub fn new(access_ttl: Span, leeway: Span, watches_all: bool) -> Self {
        let remembered_for = access_ttl + leeway + CLOCKS_DIFFER;
        Self { known: RwLock::default(), remembered_for, watches_all }
    }

    pub fn contains(&self, sign_in: SignInId) -> bool {
        self.known.read().ended.contains_key(&sign_in)
    }

    /// For what ended in this very process.
    pub fn insert_if_watching(&self, sign_in: SignInId) {
        if self.watches_all {
            self.insert(sign_in);
        }
    }

    /// For the sign-ins of an account that is gone.
    pub fn insert(&self, sign_in: SignInId) {
        self.known.write().ended.entry(sign_in).or_insert_with(Instant::now);
    }

    /// Asks the database what else has ended, and forgets what has expired. The
    /// first time, about everything that still matters; afterwards by the order
    /// in which the database knows it, so that no clock has a say. When the database
    /// does not answer, what is known already stays known.
    pub async fn poll(&self, db: &Db, now: Timestamp) -> Result<(), latchkey_store::Error> {
        let place = self.known.read().place.map(|place| place - OVERLAP);
        let from = place.unwrap_or(now.minus(self.remembered_for).as_millis());
        let news = sign_ins::ended_since(db, from, self.watches_all).await?;
        let (heard_at, remembered_for) = (Instant::now(), Duration::from(self.remembered_for));
        let mut known = self.known.write();
        known.ended.retain(|_, at| heard_at.duration_since(*at) < remembered_for);
        for (sign_in, place) in news {
            known.ended.entry(sign_in).or_insert(heard_at);
            known.place = known.place.max(Some(place));
        }
        Ok(())
    }
}
