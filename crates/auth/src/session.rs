//! Server sessions.
//!
//! Loading one takes a hash and one query. tower-sessions creates sessions, renews their IDs and
//! sets the cookie.

use std::sync::Arc;

use latchkey_domain::{SignIn, User};
use latchkey_store::Sessions;
use latchkey_store::sessions::SIGN_IN;
use tower_sessions::session::{self, Id};
use tower_sessions::{Expiry, Session};

/// The sign-in and the user of a session cookie; `None` for a visitor.
pub async fn load(
    sessions: &Sessions,
    cookie: &str,
) -> Result<Option<(Arc<SignIn>, Arc<User>)>, latchkey_store::Error> {
    // An invalid ID costs no query.
    match cookie.parse::<Id>() {
        Ok(id) => sessions.find(&id).await,
        Err(_) => Ok(None),
    }
}

/// Stores a sign-in in the session, under a new ID: an ID that an attacker has planted must not
/// become a signed-in one (session fixation, OWASP ASVS 5.0 V7.2.4).
pub async fn create(session: &Session, sign_in: &SignIn) -> Result<(), session::Error> {
    if session.id().is_some() {
        session.cycle_id().await?;
    }
    session.clear().await;
    session.insert(SIGN_IN, sign_in).await?;
    session.set_expiry(Some(Expiry::AtDateTime(sign_in.expires_at.offset_date_time())));
    let saved = session.save().await;
    if saved.is_err() {
        // Otherwise the session layer would save again, and respond with its error.
        session.clear().await;
    }
    saved
}

/// Deletes the session. On an error it is still valid, and the user must not be told otherwise.
///
/// The caller must also remove the cookie: the removal cookie of tower-sessions lacks `Secure`, so
/// browsers would keep a `__Host-` cookie.
pub async fn destroy(session: &Session) -> Result<(), session::Error> {
    if session.id().is_some() { session.delete().await } else { Ok(()) }
}
