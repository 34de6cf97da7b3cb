//! Letting somebody in who has proved who they are, whichever door it was and
//! whichever key they want; and ending a sign-in, whichever key it carried.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use latchkey_auth::refresh::Pair;
use latchkey_auth::{random, refresh, session};
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::sign_in::{Door, Key, SignIn};
use latchkey_domain::{Scopes, SignInId, User, UserId};
use latchkey_store::sign_ins;
use tower_sessions::Session;

use crate::audit;
use crate::caller::{Caller, forget, give};
use crate::client::Client;
use crate::cookies::{Outgoing, REFRESH};
use crate::errors::{Fault, Result, catalogue};
use crate::state::Latchkey;

/// The program that browsers are, to the JWTs that they carry.
pub const BROWSER: &str = "latchkey-web";

/// A sign-in that has succeeded. Its response carries it as an extension, for
/// whatever is layered around the product.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub id: SignInId,
    pub user: UserId,
    pub method: Door,
    pub credential: Key,
}

/// What lies in a browser, and can be changed there.
#[derive(Clone, Debug)]
pub struct Browser {
    pub session: Session,
    pub outgoing: Outgoing,
    /// Who was signed in when the request came.
    pub before: Option<Caller>,
    /// The refresh token that came along: it may belong to another sign-in
    /// than the session beside it.
    refresh_token: Option<String>,
    pub client: Client,
}

impl<S: Send + Sync> FromRequestParts<S> for Browser
where
    Latchkey: FromRef<S>,
{
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let latchkey = Latchkey::from_ref(state);
        let internal = |_| Fault::new(catalogue::INTERNAL);
        Ok(Self {
            refresh_token: latchkey.cookies.value(&parts.headers, REFRESH).map(str::to_owned),
            before: Caller::of(parts, &latchkey).await?,
            session: Session::from_request_parts(parts, state).await.map_err(internal)?,
            outgoing: parts.extensions.get::<Outgoing>().cloned().unwrap_or_default(),
            client: Client::of(parts, &latchkey),
        })
    }
}

/// Gives the browser the key that it is to carry. What it carried before ends,
/// on the server too: nobody who planted it there comes along.
pub async fn let_in(
    latchkey: &Latchkey,
    browser: Browser,
    user: &User,
    door: Door,
    key: Key,
) -> Result<SignedIn> {
    let Browser { session, outgoing, client, .. } = &browser;
    let sign_in = sign_in(latchkey, user.id, door, key, client);
    match key {
        Key::Session => {
            session::establish(session, &sign_in).await?;
            outgoing.add(forget(latchkey));
        }
        Key::Jwt => {
            let pair = latchkey.issuer.begin(user, &sign_in, Scopes::all(), BROWSER).await?;
            if session.id().is_some() {
                session::end(session).await?;
            }
            outgoing.add(give(latchkey, &pair));
        }
    }
    end_what_was_carried(latchkey, &browser).await?;
    let how = format!("{}, {}", sign_in.door.stored(), key.as_str());
    audit::by_person(latchkey, Kind::SignedIn, user.id, how, &browser.client).await;
    Ok(SignedIn { id: sign_in.id, user: user.id, method: sign_in.door, credential: key })
}

/// A new sign-in, as it is written down.
pub fn sign_in(
    latchkey: &Latchkey,
    user_id: UserId,
    door: Door,
    key: Key,
    client: &Client,
) -> SignIn {
    let now = latchkey.clock.now();
    let lives = match key {
        Key::Session => latchkey.config.session.absolute,
        Key::Jwt => latchkey.config.jwt.refresh_ttl,
    };
    SignIn {
        id: SignInId::new(now, random::bytes()),
        user_id,
        key,
        door,
        user_agent: client.user_agent.clone(),
        address: client.address.to_string(),
        created_at: now,
        authenticated_at: now,
        last_seen_at: now,
        expires_at: now.plus(lives),
    }
}

/// Signs the browser out. The sign-in ends on the server; a JWT that somebody
/// copied lives on until it expires, unless `JWT_REVOCATION=watch`.
///
/// # Errors
/// When the database fails: the sign-in lives on, and nobody is told otherwise.
pub async fn sign_out(latchkey: &Latchkey, browser: Browser) -> Result<()> {
    if let Some(caller) = &browser.before {
        let user = caller.user.id;
        audit::by_person(latchkey, Kind::SignInEnded, user, "signed out", &browser.client).await;
    }
    end_what_was_carried(latchkey, &browser).await?;
    if browser.session.id().is_some() {
        session::end(&browser.session).await?;
    }
    browser.outgoing.add(forget(latchkey));
    Ok(())
}

/// Ends every sign-in that the browser came with: there may be a session and a
/// JWT beside each other, from two tabs.
async fn end_what_was_carried(latchkey: &Latchkey, browser: &Browser) -> Result<()> {
    if let Some(before) = &browser.before
        && let Some(id) = before.sign_in_id()
    {
        end(latchkey, id, before.user.id).await?;
    }
    if let Some(token) = &browser.refresh_token
        && let Some((id, user)) = latchkey.issuer.sign_in_of(token, latchkey.clock.now()).await?
    {
        end(latchkey, id, user).await?;
    }
    Ok(())
}

/// Ends a sign-in of that person. Says whether it lived.
pub async fn end(latchkey: &Latchkey, sign_in: SignInId, user: UserId) -> Result<bool> {
    let now = latchkey.clock.now();
    let ended = sign_ins::end(&latchkey.db, sign_in, user, now).await?;
    if ended {
        latchkey.note_ended(sign_in, now);
    }
    Ok(ended)
}

/// Exchanges a refresh token; writes down when one was used twice.
///
/// # Errors
/// Says why there is no next pair.
pub async fn renew(
    latchkey: &Latchkey,
    refresh_token: &str,
    client_id: Option<&str>,
    client: &Client,
) -> std::result::Result<Pair, refresh::Error> {
    let now = latchkey.clock.now();
    let exchanged = latchkey.issuer.exchange(refresh_token, client_id, now).await;
    if let Err(refresh::Error::Reused { user, sign_in }) = &exchanged {
        latchkey.note_ended(*sign_in, now);
        audit::note(latchkey, Kind::RefreshReused, Some(*user), Actor::Nobody, "", Some(client))
            .await;
    }
    exchanged
}

impl From<refresh::Error> for Fault {
    fn from(error: refresh::Error) -> Self {
        match error {
            refresh::Error::Store(error) => error.into(),
            refresh::Error::Keys(error) => {
                tracing::error!(%error, "no token could be signed");
                Self::new(catalogue::INTERNAL)
            }
            refresh::Error::Unknown => Self::new(catalogue::REFRESH_TOKEN_UNKNOWN),
            refresh::Error::Expired => Self::new(catalogue::REFRESH_TOKEN_EXPIRED),
            refresh::Error::Ended => Self::new(catalogue::REFRESH_TOKEN_ENDED),
            refresh::Error::Reused { .. } => Self::new(catalogue::REFRESH_TOKEN_REUSED),
        }
    }
}

/// What a form wants its browser to carry.
pub fn strategy(text: Option<&str>, default: Key) -> Result<Key> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            Fault::new(catalogue::BAD_REQUEST).detail("The field strategy must be session or jwt.")
        }),
    }
}
