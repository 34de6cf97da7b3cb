//! Authenticates `Authorization: Bearer` (RFC 6750 §2.1): a JWT or an opaque token.

use http::request::Parts;
use http::{HeaderMap, header};
use latchkey_auth::introspection::{self, CallCounter, Introspection, Unavailable, is_opaque};
use latchkey_auth::tokens::{TokenError, VerifyError};

use super::credential::{Caller, Credential};
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::state::Latchkey;

const BEARER: &[u8] = b"Bearer";

/// Query parameters that usually contain a token.
const TOKEN_PARAMETERS: [&str; 5] = ["access_token", "token", "refresh_token", "id_token", "jwt"];

/// URLs end up in histories, logs and `Referer` headers (RFC 9700 §4.3.2), so even a valid
/// token in one is refused.
pub(super) fn refuse_tokens_in_url(parts: &Parts) -> HandlerResult<()> {
    let query = parts.uri.query().unwrap_or_default();
    let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    if names.any(|name| TOKEN_PARAMETERS.contains(&&*name)) {
        return Err(AppError::new(catalogue::TOKEN_IN_URL).challenge("error=\"invalid_request\""));
    }
    Ok(())
}

/// The bearer token; `None` without the header or with another scheme, such as the `Basic`
/// credentials of a proxy.
pub(super) fn token(headers: &HeaderMap) -> HandlerResult<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let error = AppError::new(catalogue::AUTHORIZATION_INVALID);
        return Err(error.challenge("error=\"invalid_request\""));
    }
    let (scheme, token) = value.as_bytes().split_at(value.len().min(BEARER.len()));
    // The scheme is case-insensitive (RFC 9110 §11.1).
    if !scheme.eq_ignore_ascii_case(BEARER) {
        return Ok(None);
    }
    match std::str::from_utf8(token) {
        // RFC 6750 §3.1 has no error code for a client that sends no token.
        Ok("") => Err(AppError::new(catalogue::TOKEN_MISSING).challenge("")),
        Ok(token) if token.starts_with(' ') => Ok(Some(token.trim_matches(' '))),
        // Another scheme that starts with "Bearer".
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
        Err(VerifyError::Refused(error)) => Err(token_error(error)),
        Err(VerifyError::Store(error)) => Err(error.into()),
    }
}

/// The user on whose behalf an app calls (RFC 7662).
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

fn introspection_error(error: introspection::Error) -> AppError {
    match error {
        introspection::Error::Rejected(rejection) => {
            invalid_token(rejection.code(), rejection.to_string())
        }
        // RFC 6750 §3.1 has no error code for a valid token whose user has no account here.
        introspection::Error::UnknownSubject => {
            AppError::new(catalogue::ACCOUNT_UNKNOWN).challenge("")
        }
        introspection::Error::Unavailable(unavailable) => {
            match unavailable {
                Unavailable::CircuitOpen => {
                    tracing::debug!("introspection is paused after failures");
                }
                _ => tracing::warn!(error = %unavailable, "introspection failed"),
            }
            AppError::new(catalogue::INTROSPECTION_UNAVAILABLE)
                .retry_after(unavailable.retry_after())
        }
        introspection::Error::Store(error) => AppError::from(&*error),
    }
}

fn token_error(error: TokenError) -> AppError {
    invalid_token(error.code(), error.to_string())
}

/// 401 `invalid_token` (RFC 6750 §3.1).
fn invalid_token(code: &str, description: String) -> AppError {
    AppError::new(catalogue::by_code(code).unwrap_or(catalogue::TOKEN_MALFORMED))
        .challenge(format!("error=\"invalid_token\", error_description=\"{description}\""))
        .detail(description)
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn every_bearer_rejection_has_a_401_catalogue_entry() {
        for error in TokenError::iter() {
            let entry = token_error(error).entry;
            assert_eq!((entry.code, entry.status.as_u16()), (error.code(), 401));
        }
        for rejection in introspection::Rejection::iter() {
            let entry = introspection_error(rejection.into()).entry;
            assert_eq!((entry.code, entry.status.as_u16()), (rejection.code(), 401));
        }
    }
}
