//! The token endpoint that the three dialects share: a code or a refresh token for an access token,
//! RFC 6749 §4.1.3 and §6. And access to a protected resource.

use std::sync::Arc;

use axum::response::Response;
use http::HeaderMap;

use super::credentials::{BearerError, TwoMethods, access_token, client_credentials};
use super::grants::{Authorization, GrantError, GrantType, Issued, NewTokens, Redemption, Refresh};
use super::params::{Params, ParamsError};
use super::scopes::Audience;
use crate::app::App;
use crate::config::Client;
use crate::kit::random_token;
use crate::provider::Provider;

/// Why there is no token: RFC 6749 §5.2. Each dialect has its own words for it.
#[derive(Debug, PartialEq, Eq)]
pub enum TokenError {
    InvalidRequest(&'static str),
    InvalidClient,
    UnsupportedGrantType,
    InvalidGrant(GrantType, GrantError),
    /// RFC 8707 §2.
    InvalidTarget,
    NoRandomness,
}

/// Answers a token request, step by step. `refuse` writes an error in the words of the dialect.
pub async fn token_endpoint(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
    refuse: impl FnOnce(TokenError) -> Response,
) -> Result<Issued, Response> {
    let issued = match exchange(app, provider, headers, params) {
        Ok(issued) => issued,
        Err(refusal) => {
            tracing::info!(%provider, ?refusal, "no access token issued");
            return Err(refuse(refusal));
        }
    };
    tracing::info!(
        %provider,
        client = issued.authorization.client.id,
        person = issued.authorization.person.key,
        grant_type = ?issued.grant_type,
        refresh_token = issued.refresh_token.is_some(),
        "access token issued",
    );
    let misbehaviour = issued.authorization.misbehaviour;
    let fault = match issued.grant_type {
        GrantType::AuthorizationCode => misbehaviour.fault_of_code().await,
        GrantType::RefreshToken => misbehaviour.fault_of_refresh().await,
    };
    fault.map_or(Ok(issued), Err)
}

fn exchange(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Issued, TokenError> {
    let params = unique(params)?;
    let client = authenticated(app, provider, headers, &params)?;
    let grant_type = grant_type(provider, &params)?;
    let audience = audience(app, provider, &params)?;
    let new_token = || random_token().map_err(|_| TokenError::NoRandomness);
    let new = NewTokens { access: new_token()?, refresh: new_token()? };
    let issued = match grant_type {
        GrantType::AuthorizationCode => {
            let attempt = Redemption {
                client,
                code: required(&params, "code", "code is missing.")?,
                redirect_uri: required(&params, "redirect_uri", "redirect_uri is missing.")?,
                // A missing one is a wrong one: RFC 7636 §4.6 wants `invalid_grant`.
                verifier: params.get("code_verifier").unwrap_or_default(),
                audience: audience.as_ref(),
            };
            app.grants().redeem(app.now(), &attempt, new)
        }
        GrantType::RefreshToken => {
            let attempt = Refresh {
                client,
                refresh_token: required(&params, "refresh_token", "refresh_token is missing.")?,
                scope: params.get("scope"),
                audience: audience.as_ref(),
            };
            app.grants().refresh(app.now(), &attempt, new)
        }
    };
    issued.map_err(|error| match error {
        GrantError::OtherAudience => TokenError::InvalidTarget,
        error => TokenError::InvalidGrant(grant_type, error),
    })
}

/// RFC 6749 §3.2: no parameter may come twice.
pub fn unique(params: Result<Params, ParamsError>) -> Result<Params, TokenError> {
    let params = params.map_err(|error| TokenError::InvalidRequest(error.into()))?;
    match params.repeated() {
        Some(_) => Err(TokenError::InvalidRequest("A parameter came more than once.")),
        None => Ok(params),
    }
}

pub fn authenticated<'a>(
    app: &'a App,
    provider: Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<&'a Arc<Client>, TokenError> {
    let credentials = client_credentials(headers, params).map_err(|TwoMethods| {
        TokenError::InvalidRequest("The client authenticated in two ways at once.")
    })?;
    credentials
        .and_then(|own| app.clients.authenticate(provider, &own.id, &own.secret))
        .ok_or(TokenError::InvalidClient)
}

/// GitHub and Facebook know only one grant here and do not require its name; a wrong one is wrong all
/// the same.
fn grant_type(provider: Provider, params: &Params) -> Result<GrantType, TokenError> {
    match (params.get("grant_type"), provider) {
        (Some("authorization_code"), _) => Ok(GrantType::AuthorizationCode),
        (Some("refresh_token"), Provider::Google) => Ok(GrantType::RefreshToken),
        (Some(_), _) => Err(TokenError::UnsupportedGrantType),
        (None, Provider::Google) => Err(TokenError::InvalidRequest("grant_type is missing.")),
        (None, _) => Ok(GrantType::AuthorizationCode),
    }
}

/// `resource` at the token endpoint, RFC 8707 §2.2: it may repeat what was consented to.
fn audience(
    app: &App,
    provider: Provider,
    params: &Params,
) -> Result<Option<Audience>, TokenError> {
    let Some(resource) = params.get("resource").filter(|_| provider == Provider::Google) else {
        return Ok(None);
    };
    let issuer = app.google_issuer();
    let audience = app.catalogue.audience(provider, Some(&issuer), Some(resource), "");
    audience.map(Some).ok_or(TokenError::InvalidTarget)
}

pub fn required<'a>(
    params: &'a Params,
    name: &str,
    complaint: &'static str,
) -> Result<&'a str, TokenError> {
    params.get(name).ok_or(TokenError::InvalidRequest(complaint))
}

/// The access token of a request to a provider's own APIs.
pub fn presented<'a>(
    provider: Provider,
    headers: &'a HeaderMap,
    in_query: Option<&'a str>,
) -> Result<&'a str, BearerError> {
    match (access_token(headers, provider.token_schemes()), in_query) {
        (Err(BearerError::Missing), Some(token)) => Ok(token),
        (Ok(_), Some(_)) => Err(BearerError::Malformed),
        (found, _) => found,
    }
}

pub fn authorize(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    in_query: Option<&str>,
) -> Result<Arc<Authorization>, BearerError> {
    let token = presented(provider, headers, in_query)?;
    app.grants().access(app.now(), provider, token).ok_or(BearerError::Invalid)
}
