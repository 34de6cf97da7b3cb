//! Authenticates browsers by cookies: a session, or a JWT with a refresh token.

use http::request::Parts;
use latchkey_auth::session;
use latchkey_auth::tokens::{AccessClaims, TokenPair, VerifyError, refresh};
use tower_sessions::cookie::Cookie;

use super::credential::{Caller, Credential};
use crate::client::Client;
use crate::cookies::{REFRESH, ResponseCookies, SESSION, TOKEN};
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::refresh::{BROWSER, refresh_tokens};
use crate::state::Latchkey;

/// The caller that the cookies authenticate. `accepted` filters JWTs. Large and rare futures
/// are boxed, here and below, because each request would move their size through every future
/// around them.
pub(super) async fn authenticate(
    parts: &Parts,
    latchkey: &Latchkey,
    accepted: impl Fn(&AccessClaims) -> bool,
) -> HandlerResult<Option<Caller>> {
    if let Some(cookie) = latchkey.cookies.value(&parts.headers, SESSION)
        && let Some((sign_in, user)) = session::load(&latchkey.sessions, cookie).await?
    {
        let now = latchkey.clock.now();
        if now.since(sign_in.last_seen_at) >= latchkey.config.session.touch_interval() {
            latchkey.sessions.record_use(sign_in.id, now);
        }
        return Ok(Some(Caller { user, credential: Credential::Session(sign_in) }));
    }
    if let Some(token) = latchkey.cookies.value(&parts.headers, TOKEN) {
        match latchkey.keys.verify(token, latchkey.clock.now()).await {
            Ok(claims) if !latchkey.revoked.contains(claims.sid) && accepted(&claims) => {
                let token = token.to_owned();
                return Ok(Some(Caller::with_jwt(claims, token, Credential::JwtCookie)));
            }
            // Probably expired: try the refresh token.
            Ok(_) | Err(VerifyError::Refused(_)) => {}
            Err(VerifyError::Store(error)) => return Err(error.into()),
        }
    }
    Box::pin(refresh_from_cookie(parts, latchkey)).await
}

/// Exchanges the refresh token and queues the cookies of the new pair.
async fn refresh_from_cookie(parts: &Parts, latchkey: &Latchkey) -> HandlerResult<Option<Caller>> {
    let Some(token) = latchkey.cookies.value(&parts.headers, REFRESH) else { return Ok(None) };
    let client = Client::from_parts(parts, &latchkey.config.trusted_proxies);
    let set_cookies = |cookies| {
        if let Some(queue) = parts.extensions.get::<ResponseCookies>() {
            queue.add(cookies);
        }
    };
    let browser = latchkey.config.product.client_id(BROWSER);
    match refresh_tokens(latchkey, token, Some(&browser), &client).await {
        Ok(pair) => {
            // Too many roles by now for a cookie: this request succeeds, then the user is
            // signed out and gets a session at the next sign-in.
            let cookies = set_token_cookies(latchkey, &pair);
            set_cookies(cookies.unwrap_or_else(|| clear_token_cookies(latchkey)));
            Ok(Some(Caller::with_jwt(pair.claims, pair.access_token, Credential::JwtCookie)))
        }
        Err(refresh::Error::Store(error)) => Err(error.into()),
        Err(refresh::Error::Keys(error)) => {
            tracing::error!(%error, "a token could not be signed");
            Err(AppError::new(catalogue::INTERNAL_ERROR))
        }
        // Keep the cookie: another instance may have set it.
        Err(refresh::Error::Unknown) => Ok(None),
        Err(error) => {
            tracing::info!(%error, "a browser's refresh token was refused");
            set_cookies(clear_token_cookies(latchkey));
            Ok(None)
        }
    }
}

/// Name and value together, in bytes. Browsers silently drop larger cookies; without the access
/// token, each request would use the refresh token.
const MAX_COOKIE: usize = 4096;

/// The cookies of a token pair; `None` if the access token does not fit into one. Both cookies
/// last as long as the refresh token.
pub(crate) fn set_token_cookies(
    latchkey: &Latchkey,
    pair: &TokenPair,
) -> Option<Vec<Cookie<'static>>> {
    let bytes = latchkey.cookies.name(TOKEN).len() + pair.access_token.len();
    if bytes > MAX_COOKIE {
        tracing::warn!(
            bytes,
            user = %pair.claims.sub,
            "a JWT does not fit into a cookie: give this user fewer roles, or a session"
        );
        return None;
    }
    let max_age = pair.family_ends_at.since(latchkey.clock.now());
    Some(vec![
        latchkey.cookies.cookie(TOKEN, pair.access_token.clone(), max_age),
        latchkey.cookies.cookie(REFRESH, pair.refresh_token.clone(), max_age),
    ])
}

pub(crate) fn clear_token_cookies(latchkey: &Latchkey) -> Vec<Cookie<'static>> {
    vec![latchkey.cookies.removal(TOKEN), latchkey.cookies.removal(REFRESH)]
}
