//! `Authorization: Bearer` (RFC 6750 §2.1), and nowhere else.

use http::request::Parts;
use http::{HeaderMap, header};
use latchkey_auth::introspection::{self, CallCounter, Introspection, Unavailable, is_opaque};
use latchkey_auth::tokens::{TokenError, VerifyError};

use super::credential::{Caller, Credential};
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::state::Latchkey;

const BEARER: &[u8] = b"Bearer";

/// The parameters in which tokens are put into URLs elsewhere.
const NAMES_OF_TOKENS: [&str; 5] = ["access_token", "token", "refresh_token", "id_token", "jwt"];

/// A URL ends up in histories, logs and `Referer` headers (RFC 9700 §4.3.2), so
/// a token in one is refused even when it is good.
pub(super) fn refuse_tokens_in_url(parts: &Parts) -> HandlerResult<()> {
    let query = parts.uri.query().unwrap_or_default();
    let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    if names.any(|name| NAMES_OF_TOKENS.contains(&&*name)) {
        return Err(AppError::new(catalogue::TOKEN_IN_URL).challenge("error=\"invalid_request\""));
    }
    Ok(())
}

/// The token in the header; `None` when there is none, or one of another scheme:
/// a proxy in front of us may ask for a password of its own (`Basic`).
pub(super) fn token(headers: &HeaderMap) -> HandlerResult<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let twice = AppError::new(catalogue::BAD_AUTHORIZATION);
        return Err(twice.challenge("error=\"invalid_request\""));
    }
    let (scheme, token) = value.as_bytes().split_at(value.len().min(BEARER.len()));
    // RFC 9110 §11.1: the scheme is compared without regard to case.
    if !scheme.eq_ignore_ascii_case(BEARER) {
        return Ok(None);
    }
    match std::str::from_utf8(token) {
        // RFC 6750 §3.1 has no error code for a client that sends no token.
        Ok("") => Err(AppError::new(catalogue::TOKEN_MISSING).challenge("")),
        Ok(token) if token.starts_with(' ') => Ok(Some(token.trim_matches(' '))),
        // A scheme that only begins like ours.
        _ if !token.starts_with(b" ") => Ok(None),
        _ => Err(token_error(TokenError::Malformed)),
    }
}

pub(super) async fn authenticate(
    latchkey: &Latchkey,
    token: &str,
    calls: &CallCounter,
) -> HandlerResult<Caller> {
    // Without an introspection endpoint, an opaque token is a malformed JWT.
    if let Some(introspection) = &latchkey.introspection
        && is_opaque(token)
    {
        return introspect(latchkey, introspection, token, calls).await;
    }
    match latchkey.keys.verify(token, latchkey.clock.now()).await {
        Ok(claims) if latchkey.revoked.contains(claims.sid) => {
            Err(AppError::new(catalogue::TOKEN_REVOKED).challenge("error=\"invalid_token\""))
        }
        Ok(claims) => Ok(Caller::with_jwt(claims, token.to_owned(), Credential::JwtBearer)),
        Err(VerifyError::Refused(refused)) => Err(token_error(refused)),
        Err(VerifyError::Store(error)) => Err(error.into()),
    }
}

/// Who lets the app act that shows this token.
async fn introspect(
    latchkey: &Latchkey,
    introspection: &Introspection,
    token: &str,
    calls: &CallCounter,
) -> HandlerResult<Caller> {
    let delegation = introspection
        .delegation(token, &latchkey.clock, calls)
        .await
        .map_err(introspection_error)?;
    Ok(Caller { user: delegation.user.clone(), credential: Credential::OAuthBearer(delegation) })
}

/// Whatever went wrong, nobody is let in.
fn introspection_error(error: introspection::Error) -> AppError {
    match error {
        introspection::Error::Rejected(refused) => {
            invalid_token(refused.code(), refused.to_string())
        }
        // RFC 6750 §3.1 has no error code for a good token whose person is not here.
        introspection::Error::UnknownSubject => {
            AppError::new(catalogue::ACCOUNT_UNKNOWN).challenge("")
        }
        introspection::Error::Unavailable(unavailable) => {
            match unavailable {
                Unavailable::CircuitOpen => tracing::debug!("no token is asked about for a moment"),
                _ => tracing::warn!(error = %unavailable, "a token could not be asked about"),
            }
            AppError::new(catalogue::INTROSPECTION_UNAVAILABLE)
                .retry_after(unavailable.retry_after())
        }
        introspection::Error::Store(error) => AppError::from(&*error),
    }
}

/// A token that is refused, with the check that refused it.
fn token_error(refused: TokenError) -> AppError {
    invalid_token(refused.code(), refused.to_string())
}

/// 401 with what RFC 6750 §3.1 calls it, and why.
fn invalid_token(code: &str, said: String) -> AppError {
    AppError::new(catalogue::by_code(code).unwrap_or(catalogue::TOKEN_MALFORMED))
        .challenge(format!("error=\"invalid_token\", error_description=\"{said}\""))
        .detail(said)
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn every_refusal_has_its_page() {
        for refused in TokenError::iter() {
            let entry = token_error(refused).entry;
            assert_eq!((entry.code, entry.status.as_u16()), (refused.code(), 401));
        }
        for refused in introspection::Rejection::iter() {
            let entry = introspection_error(refused.into()).entry;
            assert_eq!((entry.code, entry.status.as_u16()), (refused.code(), 401));
        }
    }
}
