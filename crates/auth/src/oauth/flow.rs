//! The authorization code grant, from the first redirect to the profile.

use latchkey_domain::{Profile, Timestamp};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier, Scope, TokenResponse as _};
use url::Url;

use super::attempt::{Attempt, Purpose};
use super::dialect::Endpoints;
use super::id_token::{self, Expected, IdTokenError};
use super::provider::{Kind, OpenId, Provider};
use super::response::{self, AuthorizationResponse, ExpectedIssuer};
use super::token::{self, Tokens};
use super::{Error, facebook, github, userinfo};
use crate::http::Outbound;

/// The authorization request (RFC 6749 §4.1.1), to which the browser is redirected.
///
/// Always with PKCE S256: a provider without PKCE ignores it (RFC 9700 §2.1.1).
pub async fn authorization_url(
    http: &Outbound,
    provider: &Provider,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Url, Error> {
    let endpoints = endpoints(http, provider, now).await?;
    let client = token::client(provider, &endpoints);
    let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
    let state = CsrfToken::new(attempt.state.clone());
    let mut request = client
        .authorize_url(move || state)
        .add_scopes(scopes(provider, attempt).into_iter().map(Scope::new))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    if let Kind::OpenId(_) = provider.kind {
        request = request.add_extra_param("nonce", &attempt.nonce);
    }
    if provider.uses_form_post() {
        request = request.add_extra_param("response_mode", "form_post");
    }
    let extra = match attempt.purpose {
        Purpose::SignIn(_) | Purpose::Link(_) => &[][..],
        Purpose::Reauthenticate(_) => provider.reauthentication_parameters(),
        Purpose::Connect { .. } => provider.consent_parameters(),
    };
    for (name, value) in extra {
        request = request.add_extra_param(*name, *value);
    }
    let (url, _state) = request.url();
    Ok(url)
}

/// Validates the authorization response, exchanges the code, and fetches the profile.
///
/// The caller has checked that the attempt belongs to this browser
/// ([`super::attempt::validate`]).
pub async fn authenticate(
    http: &Outbound,
    provider: &Provider,
    attempt: &Attempt,
    response: AuthorizationResponse,
    now: Timestamp,
) -> Result<Authenticated, Error> {
    let exchanged = exchange_code(http, provider, attempt, response, now).await?;
    fetch_profile(http, provider, attempt, &exchanged, now).await
}

#[derive(Debug)]
pub struct Authenticated {
    pub profile: Profile,
    /// When the user last authenticated at the provider, if it says so.
    pub auth_time: Option<Timestamp>,
}

#[derive(Debug)]
pub struct ExchangedCode {
    pub tokens: Tokens,
    /// From the `Date` header, to detect clock skew.
    date: Option<Timestamp>,
}

/// Validates the authorization response and exchanges the code. A caller that does not store
/// the tokens should revoke them.
pub async fn exchange_code(
    http: &Outbound,
    provider: &Provider,
    attempt: &Attempt,
    response: AuthorizationResponse,
    now: Timestamp,
) -> Result<ExchangedCode, Error> {
    // The metadata first: they say whether `iss` is required.
    let endpoints = endpoints(http, provider, now).await?;
    let code = response::validate(response, issuer(provider))?;
    let (tokens, date) =
        token::exchange(http, provider, &endpoints, code, &attempt.verifier).await?;
    Ok(ExchangedCode { tokens, date })
}

/// Verifies the ID token and fetches the profile.
pub async fn fetch_profile(
    http: &Outbound,
    provider: &Provider,
    attempt: &Attempt,
    exchanged: &ExchangedCode,
    now: Timestamp,
) -> Result<Authenticated, Error> {
    let tokens = &exchanged.tokens;
    let access_token = tokens.access_token().secret();
    let profile = match &provider.kind {
        Kind::OpenId(openid) => {
            let reauthenticates = matches!(attempt.purpose, Purpose::Reauthenticate(_));
            let expected = Expected {
                issuer: &openid.issuer,
                client_id: &provider.client_id,
                audiences: &openid.options.audiences,
                nonce: &attempt.nonce,
                access_token,
                authenticated_since: reauthenticates.then_some(attempt.started_at),
            };
            return open_id(http, openid, exchanged, &expected, now).await;
        }
        Kind::GitHub { web, api } => github::profile(http, web, api, access_token).await?,
        Kind::Facebook { web, graph } => {
            facebook::profile(http, web, graph, access_token, &provider.client_secret).await?
        }
    };
    Ok(Authenticated { profile, auth_time: None })
}

fn scopes(provider: &Provider, attempt: &Attempt) -> Vec<String> {
    match &attempt.purpose {
        Purpose::SignIn(_) | Purpose::Reauthenticate(_) | Purpose::Link(_) => {
            provider.sign_in_scopes()
        }
        Purpose::Connect { scopes, .. } => scopes.split_whitespace().map(str::to_owned).collect(),
    }
}

pub(crate) async fn endpoints(
    http: &Outbound,
    provider: &Provider,
    now: Timestamp,
) -> Result<Endpoints, Error> {
    match &provider.kind {
        Kind::OpenId(openid) => {
            let metadata = openid.discovery.metadata(http, &openid.issuer, now).await?;
            Ok(Endpoints {
                authorization: metadata.authorization_endpoint.clone(),
                token: metadata.token_endpoint.clone(),
                secret_in_body: openid.secret_in_body(&metadata),
            })
        }
        Kind::GitHub { web, .. } => Ok(github::endpoints(web)),
        Kind::Facebook { web, graph } => Ok(facebook::endpoints(web, graph)),
    }
}

/// The issuer that must have answered.
fn issuer(provider: &Provider) -> Option<ExpectedIssuer<'_>> {
    let Kind::OpenId(openid) = &provider.kind else { return None };
    let iss_required = openid
        .discovery
        .cached()
        .is_some_and(|metadata| metadata.authorization_response_iss_parameter_supported);
    Some(ExpectedIssuer { expected: &openid.issuer, iss_required })
}

/// Reports clock skew instead of an expired or future token, if the provider's `Date` shows it.
fn detect_clock_skew(error: Error, date: Option<Timestamp>, now: Timestamp) -> Error {
    let is_about_time =
        matches!(error, Error::IdToken(IdTokenError::Expired | IdTokenError::NotYetValid));
    match date {
        Some(date) if is_about_time => {
            let apart = now.since(date).max(date.since(now));
            if apart > id_token::LEEWAY { Error::ClockSkew { apart } } else { error }
        }
        _ => error,
    }
}

async fn open_id(
    http: &Outbound,
    openid: &OpenId,
    exchanged: &ExchangedCode,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Authenticated, Error> {
    let token = id_token::parse(exchanged.tokens.id_token().ok_or(IdTokenError::Missing)?)?;
    let metadata = openid.discovery.metadata(http, &openid.issuer, now).await?;
    openid.keys.verify(http, &metadata.jwks_uri, &token, now).await?;
    let claims = token
        .check(expected, now)
        .map_err(|error| detect_clock_skew(error.into(), exchanged.date, now))?;
    let issuer = userinfo::Issuer { openid, metadata: &metadata, client_id: expected.client_id };
    let profile =
        userinfo::fetch(http, &issuer, expected.access_token, &claims.subject, now).await?;
    let all = userinfo::merge(claims.all, profile);
    let profile = userinfo::profile(&openid.issuer, claims.subject, &all);
    Ok(Authenticated { profile, auth_time: claims.auth_time })
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_domain::Span;

    #[test]
    fn clock_skew_is_reported_only_when_clocks_differ() {
        let now = Timestamp::from_seconds(10_000);
        let seconds = Span::seconds;
        for (refused, date, skew) in [
            (IdTokenError::Expired, Some(now.minus(seconds(300))), Some(seconds(300))),
            (IdTokenError::NotYetValid, Some(now.plus(seconds(300))), Some(seconds(300))),
            (IdTokenError::Expired, Some(now.plus(seconds(5))), None),
            (IdTokenError::Expired, None, None),
            (IdTokenError::Nonce, Some(now.plus(seconds(300))), None),
        ] {
            let apart = match detect_clock_skew(Error::IdToken(refused), date, now) {
                Error::ClockSkew { apart } => Some(apart),
                _ => None,
            };
            assert_eq!(apart, skew, "{refused:?}");
        }
    }
}
