//! Who carries this session, and how a sign-in gets into one.

use std::sync::Arc;

use latchkey_auth::session;
use latchkey_domain::{SignIn, User};
use latchkey_store::{Error, Sessions};
use tower_sessions::Session;

/// For every request with the cookie: one statement.
async fn who(sessions: &Sessions, cookie: &str) -> Result<Option<Arc<User>>, Error> {
    Ok(session::load(sessions, cookie).await?.map(|(_, user)| user))
}

/// After the password or the provider: under a new id (session fixation).
async fn sign_in(
    session: &Session,
    sign_in: &SignIn,
) -> Result<(), tower_sessions::session::Error> {
    session::create(session, sign_in).await
}

/// "Sign out": refused from the next request on.
async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session::destroy(session).await
}

fn main() {
    // Their place is in the handlers of a server: crates/axum/src/sign_in.rs.
    let _ = (who, sign_in, sign_out);
}
