//! Who carries this session, and how a sign-in gets into one.

use latchkey_auth::session;
use latchkey_domain::User;
use latchkey_domain::sign_in::SignIn;
use tower_sessions::Session;

/// For every request: one statement, or nobody.
async fn who(session: &Session) -> Result<Option<User>, tower_sessions::session::Error> {
    Ok(session::carried(session).await?.map(|(_, user)| user))
}

/// After the password or the provider: under a new id (session fixation).
async fn let_in(session: &Session, sign_in: &SignIn) -> Result<(), tower_sessions::session::Error> {
    session::establish(session, sign_in).await
}

/// "Sign out": refused from the next request on.
async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session::end(session).await
}

fn main() {
    // Their place is in the handlers of a server: crates/web/src/sign_in.rs.
    let _ = (who, let_in, sign_out);
}
