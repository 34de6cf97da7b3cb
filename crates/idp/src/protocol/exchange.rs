//! The token request: a code or a refresh token against an access token, RFC 6749 §4.1.3 and §6.

use std::sync::Arc;

use http::HeaderMap;

use super::{
    client_auth::{self, CredentialsError},
    grants::{Authorization, Fresh, RedeemError, Redemption, Renewal, RenewalError},
    params::{Params, ParamsError},
    scopes::Audience,
};
use crate::{Client, Provider, app::App, random};

pub(crate) struct Exchanged {
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) grant_type: GrantType,
}

/// RFC 6749 §4.1.3 and §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantType {
    AuthorizationCode,
    RefreshToken,
}

/// Why there is no token; each dialect has its own words for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExchangeError {
    /// RFC 6749 §5.2 `invalid_request`.
    InvalidRequest(&'static str),
    /// `invalid_client`.
    InvalidClient,
    /// `unsupported_grant_type`.
    UnsupportedGrantType,
    /// `invalid_grant`: a code.
    InvalidGrant(RedeemError),
    NotRenewed(RenewalError),
    /// `invalid_target`, RFC 8707 §2.
    InvalidTarget,
    /// The machine has no randomness to give.
    NoRandomness,
}

/// Walks the token request, step by step.
pub(crate) fn exchange(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Exchanged, ExchangeError> {
    let outcome = token_request(app, provider, headers, params);
    match &outcome {
        Ok(exchanged) => tracing::info!(
            %provider,
            client = exchanged.authorization.client.id,
            person = exchanged.authorization.person.key,
            grant_type = ?exchanged.grant_type,
            refresh_token = exchanged.refresh_token.is_some(),
            "access token issued",
        ),
        Err(refusal) => tracing::info!(%provider, ?refusal, "no access token issued"),
    }
    outcome
}

fn token_request(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Exchanged, ExchangeError> {
    let params = params.map_err(|error| ExchangeError::InvalidRequest(error.sentence()))?;
    if params.repeated().is_some() {
        return Err(ExchangeError::InvalidRequest("A parameter came more than once."));
    }
    let client = authenticated(app, provider, headers, &params)?;
    let grant_type = grant_type(provider, &params)?;
    let audience = audience(app, provider, &params)?;
    let (access_token, refresh_token) = new_token().and_then(|a| Ok((a, new_token()?)))?;
    let fresh = Fresh { access: &access_token, refresh: &refresh_token };
    let issued = match grant_type {
        GrantType::AuthorizationCode => {
            let attempt = Redemption {
                provider,
                client_id: &client.id,
                code: required(&params, "code", "code is missing.")?,
                redirect_uri: required(&params, "redirect_uri", "redirect_uri is missing.")?,
                // Not there is not the right one: RFC 7636 §4.6 wants `invalid_grant`.
                verifier: params.get("code_verifier").unwrap_or_default(),
                audience: audience.as_ref(),
            };
            let redeemed = app.grants().redeem(app.now(), &attempt, &fresh);
            redeemed.map_err(|error| match error {
                RedeemError::OtherAudience => ExchangeError::InvalidTarget,
                error => ExchangeError::InvalidGrant(error),
            })?
        }
        GrantType::RefreshToken => {
            let attempt = Renewal {
                provider,
                client_id: &client.id,
                refresh_token: required(&params, "refresh_token", "refresh_token is missing.")?,
                scope: params.get("scope"),
                audience: audience.as_ref(),
            };
            let renewed = app.grants().renew(app.now(), &attempt, &fresh);
            renewed.map_err(|error| match error {
                RenewalError::OtherAudience => ExchangeError::InvalidTarget,
                error => ExchangeError::NotRenewed(error),
            })?
        }
    };
    Ok(Exchanged {
        authorization: issued.authorization,
        access_token,
        refresh_token: issued.refresh.then_some(refresh_token),
        grant_type,
    })
}

fn new_token() -> Result<String, ExchangeError> {
    random::token().map_err(|_| ExchangeError::NoRandomness)
}

/// A client that has proved to be who it says.
pub(crate) fn authenticated<'a>(
    app: &'a App,
    provider: Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<&'a Arc<Client>, ExchangeError> {
    let credentials = client_auth::credentials(headers, params).map_err(|error| match error {
        CredentialsError::TwoMethods => {
            ExchangeError::InvalidRequest("The client authenticated in two ways at once.")
        }
        CredentialsError::Missing | CredentialsError::Malformed => ExchangeError::InvalidClient,
    })?;
    app.clients()
        .authenticate(provider, &credentials.id, &credentials.secret)
        .ok_or(ExchangeError::InvalidClient)
}

/// GitHub and Facebook know only one grant here and do not ask for its name; a wrong one is wrong
/// all the same.
fn grant_type(provider: Provider, params: &Params) -> Result<GrantType, ExchangeError> {
    match (params.get("grant_type"), provider) {
        (Some("authorization_code"), _) => Ok(GrantType::AuthorizationCode),
        (Some("refresh_token"), Provider::Google) => Ok(GrantType::RefreshToken),
        (Some(_), _) => Err(ExchangeError::UnsupportedGrantType),
        (None, Provider::Google) => Err(ExchangeError::InvalidRequest("grant_type is missing.")),
        (None, _) => Ok(GrantType::AuthorizationCode),
    }
}

/// `resource` at the token endpoint, RFC 8707 §2.2: it may repeat what was consented to.
fn audience(
    app: &App,
    provider: Provider,
    params: &Params,
) -> Result<Option<Audience>, ExchangeError> {
    let Some(resource) = params.get("resource").filter(|_| provider == Provider::Google) else {
        return Ok(None);
    };
    let issuer = app.google_issuer();
    let audience = app.catalogue().audience(provider, Some(&issuer), Some(resource), "");
    audience.map(Some).ok_or(ExchangeError::InvalidTarget)
}

fn required<'a>(
    params: &'a Params,
    name: &str,
    complaint: &'static str,
) -> Result<&'a str, ExchangeError> {
    params.get(name).ok_or(ExchangeError::InvalidRequest(complaint))
}
