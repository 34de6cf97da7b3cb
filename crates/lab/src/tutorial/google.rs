//! "Sign in with Google".

use http::Method;
use url::Url;

use super::visit::{Data, User};
use crate::agent::Call;
use crate::error::{Error, Result};
use crate::instance::at;
use crate::token::{claims, random};

/// "Any string of 43 characters": one for everybody.
const VERIFIER: &str = "this-is-my-code-verifier-it-has-to-be-long-enough";

/// A state and a nonce go out, and are not remembered.
pub(super) fn authorization_url(app: &Data) -> Result<Url> {
    Ok(app.provider.authorization_url(&random()?, &random()?, VERIFIER))
}

/// Who it is: by the ID token, which is decoded and not verified, and else by userinfo. One
/// address is one account, whoever says that it is theirs.
pub(super) async fn user(app: &Data, code: &str) -> Result<User> {
    let redemption = app.provider.token_request(code, VERIFIER);
    let mut call = Call::form(at(&app.provider.google, "/google/token")?, &redemption);
    call.headers.retain(|(name, _)| name == "content-type");
    let tokens = app.agent.fresh().send(call).await?.json();
    let access = tokens["access_token"].as_str().ok_or_else(|| missing("an access token"))?;
    let ask = Call::new(Method::GET, at(&app.provider.google, "/google/userinfo")?).bearer(access);
    let userinfo = app.agent.fresh().send(ask).await?.json();
    let claimed = tokens["id_token"].as_str().and_then(|token| claims(token).ok());
    let sources = [claimed.unwrap_or_default(), userinfo];
    let text = |name: &str| sources.iter().find_map(|it| it[name].as_str()).map(str::to_owned);
    let (email, name) = (text("email"), text("name").unwrap_or_default());
    let email = email.ok_or_else(|| missing("an address"))?;
    let mut store = app.store();
    let known = store.users.entry(email.clone());
    let user = known.or_insert(User { email: email.clone(), name, ..User::default() });
    user.verified = true;
    let user = user.clone();
    let sessions = store.sessions.values_mut().filter(|session| session.email == email);
    sessions.for_each(|session| session.verified = true);
    Ok(user)
}

fn missing(what: &str) -> Error {
    Error::unexpected("Google", format!("something without {what}"))
}
