//! What a browser carries in cookies: a session, or a JWT that renews itself.

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

/// Who a browser's cookies name. What is large and rare is boxed, here and in
/// what is called from here: otherwise each request moves room for it through
/// every future on the way. `accepted` says which JWTs count in a cookie.
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
            // Expired, most likely: the refresh token will tell.
            Ok(_) | Err(VerifyError::Refused(_)) => {}
            Err(VerifyError::Store(error)) => return Err(error.into()),
        }
    }
    Box::pin(refresh_from_cookie(parts, latchkey)).await
}

/// Renews an access token on the way, without the person noticing.
async fn refresh_from_cookie(parts: &Parts, latchkey: &Latchkey) -> HandlerResult<Option<Caller>> {
    let Some(token) = latchkey.cookies.value(&parts.headers, REFRESH) else { return Ok(None) };
    let client = Client::of(parts, &latchkey.config.trusted_proxies);
    let set_cookies = |cookies| {
        if let Some(waiting) = parts.extensions.get::<ResponseCookies>() {
            waiting.add(cookies);
        }
    };
    let browser = latchkey.config.product.client_id(BROWSER);
    match refresh_tokens(latchkey, token, Some(&browser), &client).await {
        Ok(pair) => {
            // Too many roles by now: this request is answered, and the next sign-in gets a session.
            let cookies = set_token_cookies(latchkey, &pair);
            set_cookies(cookies.unwrap_or_else(|| clear_token_cookies(latchkey)));
            Ok(Some(Caller::with_jwt(pair.claims, pair.access_token, Credential::JwtCookie)))
        }
        Err(refresh::Error::Store(error)) => Err(error.into()),
        Err(refresh::Error::Keys(error)) => {
            tracing::error!(%error, "no token could be signed");
            Err(AppError::new(catalogue::INTERNAL))
        }
        // It was never ours to take away: another instance may have set it.
        Err(refresh::Error::Unknown) => Ok(None),
        // It has come to its end: the browser need not send it again.
        Err(error) => {
            tracing::info!(%error, "a browser's refresh token was refused");
            set_cookies(clear_token_cookies(latchkey));
            Ok(None)
        }
    }
}

/// What browsers keep of one cookie, name and value together: a larger one is dropped without a
/// word, and its refresh token would be used at each request.
const MAX_COOKIE: usize = 4096;

/// The cookies that carry a pair; none when the access token does not fit into one. Its cookie
/// outlives the token by the family's life: it is worth nothing then, but says that there is
/// something to renew.
pub(crate) fn set_token_cookies(
    latchkey: &Latchkey,
    pair: &TokenPair,
) -> Option<Vec<Cookie<'static>>> {
    let bytes = latchkey.cookies.name(TOKEN).len() + pair.access_token.len();
    if bytes > MAX_COOKIE {
        tracing::warn!(
            bytes,
            user = %pair.claims.sub,
            "a JWT does not fit into a cookie: give this person fewer roles, or a session"
        );
        return None;
    }
    let lasts = pair.family_ends_at.since(latchkey.clock.now());
    Some(vec![
        latchkey.cookies.cookie(TOKEN, pair.access_token.clone(), lasts),
        latchkey.cookies.cookie(REFRESH, pair.refresh_token.clone(), lasts),
    ])
}

pub(crate) fn clear_token_cookies(latchkey: &Latchkey) -> Vec<Cookie<'static>> {
    vec![latchkey.cookies.removal(TOKEN), latchkey.cookies.removal(REFRESH)]
}
