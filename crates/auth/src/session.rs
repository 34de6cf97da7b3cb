//! The first key: an opaque session, remembered by the server.

use latchkey_domain::User;
use latchkey_domain::sign_in::SignIn;
use latchkey_store::sessions::{SIGN_IN, USER};
use tower_sessions::{Expiry, Session, session};

/// Makes the browser's session carry this sign-in, under a new id.
///
/// Whatever the browser carried before ends, on the server too: an id that
/// somebody planted there must not become a signed-in one (session fixation,
/// OWASP ASVS 5.0 V7.2.4).
pub async fn establish(session: &Session, sign_in: &SignIn) -> Result<(), session::Error> {
    if session.id().is_some() {
        session.cycle_id().await?;
    }
    session.clear().await;
    session.insert(SIGN_IN, sign_in).await?;
    session.set_expiry(Some(Expiry::AtDateTime(sign_in.expires_at.offset_date_time())));
    session.save().await
}

/// Who carries this session, read with one statement; `None` for a visitor.
pub async fn carried(session: &Session) -> Result<Option<(SignIn, User)>, session::Error> {
    if session.id().is_none() {
        return Ok(None);
    }
    let sign_in = session.get::<SignIn>(SIGN_IN).await?;
    let user = session.get::<User>(USER).await?;
    Ok(sign_in.zip(user))
}

/// Ends the session, on the server and in the browser.
///
/// # Errors
/// When the store does: then the session still lives, and nobody may be told otherwise.
pub async fn end(session: &Session) -> Result<(), session::Error> {
    session.flush().await
}
