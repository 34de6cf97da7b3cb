//! What a browser carries in cookies: a session, or a JWT that renews itself.

use http::request::Parts;
use latchkey_auth::refresh::{self, Pair};
use latchkey_auth::session;
use latchkey_auth::tokens::AccessClaims;
use latchkey_auth::tokens::VerifyError;
use latchkey_domain::sign_in::SignIn;
use tower_sessions::Session;
use tower_sessions::cookie::Cookie;

use super::{Caller, Credential};
use crate::client::Client;
use crate::cookies::{Outgoing, REFRESH, TOKEN};
use crate::errors::{Fault, Result, catalogue};
use crate::middleware::faults::is_for_programs;
use crate::sign_in::{BROWSER, renew};
use crate::state::Latchkey;

pub(super) async fn caller(parts: &mut Parts, latchkey: &Latchkey) -> Result<Option<Caller>> {
    if let Some(session) = parts.extensions.get::<Session>()
        && let Some((sign_in, user)) = session::carried(session).await?
    {
        note_that_seen(latchkey, &sign_in);
        return Ok(Some(Caller { user, credential: Credential::Session(Box::new(sign_in)) }));
    }
    if let Some(token) = latchkey.cookies.value(&parts.headers, TOKEN) {
        match latchkey.keys.verify(token, latchkey.clock.now()).await {
            Ok(claims)
                if !latchkey.revoked.contains(claims.sid) && may_be_carried(&claims, parts) =>
            {
                let token = token.to_owned();
                return Ok(Some(Caller::with_jwt(claims, token, Credential::JwtCookie)));
            }
            // Expired, most likely: the refresh token will tell.
            Ok(_) | Err(VerifyError::Refused(_)) => {}
            Err(VerifyError::Store(error)) => return Err(error.into()),
        }
    }
    renewed(parts, latchkey).await
}

/// Whether a JWT in a cookie counts: on pages only one that was issued to a
/// browser. Those of the API may be for little, and pages ask for no scope.
fn may_be_carried(claims: &AccessClaims, parts: &Parts) -> bool {
    is_for_programs(parts.uri.path()) || claims.client_id == BROWSER
}

/// Renews an access token on the way, without the person noticing.
async fn renewed(parts: &mut Parts, latchkey: &Latchkey) -> Result<Option<Caller>> {
    let Some(token) = latchkey.cookies.value(&parts.headers, REFRESH) else { return Ok(None) };
    let token = token.to_owned();
    let client = Client::of(parts, latchkey);
    let outgoing = parts.extensions.get::<Outgoing>();
    match renew(latchkey, &token, Some(BROWSER), &client).await {
        Ok(pair) => {
            if let Some(outgoing) = outgoing {
                outgoing.add(give(latchkey, &pair));
            }
            Ok(Some(Caller::with_jwt(pair.claims, pair.access_token, Credential::JwtCookie)))
        }
        Err(refresh::Error::Store(error)) => Err(error.into()),
        Err(refresh::Error::Keys(error)) => {
            tracing::error!(%error, "no token could be signed");
            Err(Fault::new(catalogue::INTERNAL))
        }
        // It has come to its end: the browser need not send it again.
        Err(error) => {
            tracing::info!(%error, "a browser's refresh token was refused");
            if let Some(outgoing) = outgoing {
                outgoing.add(forget(latchkey));
            }
            Ok(None)
        }
    }
}

/// The cookies that carry a pair. The access token's outlives the token by the
/// family's life: it is worth nothing then, but says that there is something
/// to renew.
pub fn give(latchkey: &Latchkey, pair: &Pair) -> Vec<Cookie<'static>> {
    let lasts = pair.family_ends_at.since(latchkey.clock.now());
    vec![
        latchkey.cookies.cookie(TOKEN, pair.access_token.clone(), lasts),
        latchkey.cookies.cookie(REFRESH, pair.refresh_token.clone(), lasts),
    ]
}

pub fn forget(latchkey: &Latchkey) -> Vec<Cookie<'static>> {
    vec![latchkey.cookies.removal(TOKEN), latchkey.cookies.removal(REFRESH)]
}

/// Writes down, once a minute at most and beside the request, that somebody was here.
fn note_that_seen(latchkey: &Latchkey, sign_in: &SignIn) {
    let now = latchkey.clock.now();
    if now.since(sign_in.last_seen_at) < latchkey.config.session.noted_every() {
        return;
    }
    let (db, id) = (latchkey.db.clone(), sign_in.id);
    tokio::spawn(async move {
        if let Err(error) = latchkey_store::sign_ins::seen(&db, id, now).await {
            tracing::warn!(%error, "a visit could not be noted");
        }
    });
}
