//! `Authorization: Bearer` (RFC 6750 §2.1), and nowhere else.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use latchkey_auth::introspection::CallCounter;
use latchkey_auth::introspection::is_opaque;
use latchkey_auth::tokens::TokenError;
use latchkey_auth::tokens::VerifyError;

use super::{Caller, Credential, opaque};
use crate::errors::{Fault, Result, catalogue};
use crate::state::Latchkey;

/// The parameters in which tokens are put into URLs elsewhere.
const NAMES_OF_TOKENS: [&str; 5] = ["access_token", "token", "refresh_token", "id_token", "jwt"];

/// A URL ends up in histories, logs and `Referer` headers (RFC 9700 §4.3.2), so
/// a token in one is refused even when it is good.
pub(super) fn refuse_tokens_in_url(parts: &Parts) -> Result<()> {
    let query = parts.uri.query().unwrap_or_default();
    let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    if names.any(|name| NAMES_OF_TOKENS.contains(&&*name)) {
        return Err(Fault::new(catalogue::TOKEN_IN_URL).challenge("error=\"invalid_request\""));
    }
    Ok(())
}

/// The token in the header; `None` when there is no such header.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    let twice = || Fault::new(catalogue::BAD_AUTHORIZATION).challenge("error=\"invalid_request\"");
    if values.next().is_some() {
        return Err(twice());
    }
    if value.to_str().is_err() && is_bearer(value) {
        return Err(fault(TokenError::Malformed));
    }
    // RFC 9110 §11.1: the scheme is compared without regard to case.
    let scheme_and_token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match scheme_and_token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(token.trim_matches(' ')))
        }
        // Another scheme, or a header that is none: RFC 6750 §3.1 has no error
        // code for a client that does not know how to authenticate here.
        _ => Err(Fault::new(catalogue::TOKEN_MISSING).challenge("")),
    }
}

fn is_bearer(value: &HeaderValue) -> bool {
    value.as_bytes().get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "))
}

pub(super) async fn caller(
    latchkey: &Latchkey,
    token: &str,
    calls: &CallCounter,
) -> Result<Caller> {
    // Where nobody can be asked, an opaque token is a JWT that is none.
    if let Some(introspection) = &latchkey.introspection
        && is_opaque(token)
    {
        return opaque::caller(latchkey, introspection, token, calls).await;
    }
    match latchkey.keys.verify(token, latchkey.clock.now()).await {
        Ok(claims) if latchkey.revoked.contains(claims.sid) => {
            Err(Fault::new(catalogue::TOKEN_REVOKED).challenge("error=\"invalid_token\""))
        }
        Ok(claims) => Ok(Caller::with_jwt(claims, token.to_owned(), Credential::JwtBearer)),
        Err(VerifyError::Refused(refused)) => Err(fault(refused)),
        Err(VerifyError::Store(error)) => Err(error.into()),
    }
}

/// A token that is refused, with the check that refused it.
fn fault(refused: TokenError) -> Fault {
    invalid_token(refused.code(), refused.to_string())
}

/// 401 with what RFC 6750 §3.1 calls it, and why.
pub(super) fn invalid_token(code: &str, said: String) -> Fault {
    Fault::new(catalogue::by_code(code).unwrap_or(catalogue::TOKEN_MALFORMED))
        .challenge(format!("error=\"invalid_token\", error_description=\"{said}\""))
        .detail(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> std::result::Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, http::HeaderValue::from_static(value));
        }
        let token = token(&headers).map(|token| token.map(str::to_owned));
        token.map_err(|fault| fault.entry().code)
    }

    #[test]
    fn one_header_with_one_scheme() {
        assert_eq!(read(&[]), Ok(None));
        for value in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(read(&[value]), Ok(Some("abc".to_owned())), "{value}");
        }
        for value in ["Basic abc", "Bearer", "abc", ""] {
            assert_eq!(read(&[value]), Err("token_missing"), "{value}");
        }
        assert_eq!(read(&["Bearer a", "Bearer b"]), Err("authorization_invalid"));
    }

    #[test]
    fn every_refusal_has_its_page() {
        for refused in TokenError::ALL {
            let entry = fault(refused).entry();
            assert_eq!((entry.code, entry.status.as_u16()), (refused.code(), 401));
        }
    }
}
