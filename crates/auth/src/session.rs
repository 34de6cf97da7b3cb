//! The first key: an opaque session, remembered by the server.
//!
//! Reading one is a hash and one statement. Making one, giving it a new id and
//! setting its cookie is the business of tower-sessions.

use std::sync::Arc;

use latchkey_domain::{SignIn, User};
use latchkey_store::Sessions;
use latchkey_store::sessions::SIGN_IN;
use tower_sessions::session::{self, Id};
use tower_sessions::{Expiry, Session};

/// Who signed in with the session that a cookie names; `None` for a visitor.
pub async fn load(
    sessions: &Sessions,
    cookie: &str,
) -> Result<Option<(Arc<SignIn>, Arc<User>)>, latchkey_store::Error> {
    // What cannot be an id costs no statement.
    match cookie.parse::<Id>() {
        Ok(id) => sessions.find(&id).await,
        Err(_) => Ok(None),
    }
}

/// Makes the browser's session carry this sign-in, under a new id.
///
/// Whatever the browser carried before ends, on the server too: an id that
/// somebody planted there must not become a signed-in one (session fixation,
/// OWASP ASVS 5.0 V7.2.4).
pub async fn create(session: &Session, sign_in: &SignIn) -> Result<(), session::Error> {
    if session.id().is_some() {
        session.cycle_id().await?;
    }
    session.clear().await;
    session.insert(SIGN_IN, sign_in).await?;
    session.set_expiry(Some(Expiry::AtDateTime(sign_in.expires_at.offset_date_time())));
    let saved = session.save().await;
    if saved.is_err() {
        // The layer would try once more, and answer with its failure.
        session.clear().await;
    }
    saved
}

/// Ends the session on the server. Its cookie has to be cleared as well: the
/// one with which tower-sessions does so lacks `Secure`, and a browser then
/// keeps a `__Host-` cookie.
/// When the store fails, the session still lives, and nobody may be told otherwise.
pub async fn destroy(session: &Session) -> Result<(), session::Error> {
    if session.id().is_some() { session.delete().await } else { Ok(()) }
}
