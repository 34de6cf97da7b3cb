//! "Sign in with Google".

use http::Method;
use url::Url;

use super::state::{AppState, User};
use crate::agent::Call;
use crate::error::{Error, Result};
use crate::instance::at;
use crate::token::{claims, random};

/// "Any string of 43 characters": the same for everyone.
const VERIFIER: &str = "this-is-my-code-verifier-it-has-to-be-long-enough";

/// State and nonce are sent, but not stored.
pub(super) fn authorization_url(app: &AppState) -> Result<Url> {
    Ok(app.provider.authorization_url(&random()?, &random()?, VERIFIER))
}

/// Reads the profile from the ID token, which is decoded but not verified, then from userinfo.
/// Accounts are matched by e-mail address, whoever claims it.
pub(super) async fn sign_in(app: &AppState, code: &str) -> Result<User> {
    let redemption = app.provider.token_request(code, VERIFIER);
    let mut call = Call::form(at(&app.provider.google, "/google/token")?, &redemption);
    call.headers.retain(|(name, _)| name == "content-type");
    let tokens = app.agent.fresh().send(call).await?.json();
    let access = tokens["access_token"].as_str().ok_or_else(|| missing("an access token"))?;
    let call = Call::new(Method::GET, at(&app.provider.google, "/google/userinfo")?).bearer(access);
    let userinfo = app.agent.fresh().send(call).await?.json();
    let claims = tokens["id_token"].as_str().and_then(|token| claims(token).ok());
    let profiles = [claims.unwrap_or_default(), userinfo];
    let text = |name: &str| profiles.iter().find_map(|one| one[name].as_str()).map(str::to_owned);
    let (email, name) = (text("email"), text("name").unwrap_or_default());
    let email = email.ok_or_else(|| missing("an e-mail address"))?;
    let mut store = app.store();
    let entry = store.users.entry(email.clone());
    let user = entry.or_insert(User { email: email.clone(), name, ..User::default() });
    user.verified = true;
    let user = user.clone();
    let sessions = store.sessions.values_mut().filter(|session| session.email == email);
    sessions.for_each(|session| session.verified = true);
    Ok(user)
}

fn missing(what: &str) -> Error {
    Error::unexpected("Google", format!("a response without {what}"))
}
