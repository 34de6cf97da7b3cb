//! Loads, creates and destroys a server session.

use std::sync::Arc;

use latchkey_auth::session;
use latchkey_domain::{SignIn, User};
use latchkey_store::{Error, Sessions};
use tower_sessions::Session;

/// For every request with the cookie: one query.
async fn current_user(sessions: &Sessions, cookie: &str) -> Result<Option<Arc<User>>, Error> {
    Ok(session::load(sessions, cookie).await?.map(|(_, user)| user))
}

/// After authentication: under a new ID, against session fixation.
async fn sign_in(
    session: &Session,
    sign_in: &SignIn,
) -> Result<(), tower_sessions::session::Error> {
    session::create(session, sign_in).await
}

/// The next request is rejected.
async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session::destroy(session).await
}

fn main() {
    // For use in the handlers of a server, as in crates/axum/src/sign_in.rs.
    let _ = (current_user, sign_in, sign_out);
}
