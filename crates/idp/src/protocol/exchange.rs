//! The token request: a code against an access token, RFC 6749 §4.1.3.

use std::sync::Arc;

use http::HeaderMap;

use super::{
    client_auth::{self, CredentialsError},
    grants::{Authorization, RedeemError, Redemption},
    params::{Params, ParamsError},
};
use crate::{Provider, app::App, random};

/// A redeemed code.
pub(crate) struct Exchanged {
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) access_token: String,
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
    /// `invalid_grant`.
    InvalidGrant(RedeemError),
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
    let outcome = redeem(app, provider, headers, params);
    match &outcome {
        Ok(exchanged) => tracing::info!(
            %provider,
            client = exchanged.authorization.client.id,
            person = exchanged.authorization.person.key,
            "code exchanged for an access token",
        ),
        Err(refusal) => tracing::info!(%provider, ?refusal, "code not exchanged"),
    }
    outcome
}

fn redeem(
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
    grant_type(provider, &params)?;
    let attempt = Redemption {
        provider,
        client_id: &client,
        code: required(&params, "code", "code is missing.")?,
        redirect_uri: required(&params, "redirect_uri", "redirect_uri is missing.")?,
        // Not there is not the right one: RFC 7636 §4.6 wants `invalid_grant`.
        verifier: params.get("code_verifier").unwrap_or_default(),
    };
    let access_token = random::token().map_err(|_| ExchangeError::NoRandomness)?;
    let authorization = app
        .grants()
        .redeem(app.now(), &attempt, &access_token)
        .map_err(ExchangeError::InvalidGrant)?;
    Ok(Exchanged { authorization, access_token })
}

/// The `client_id` of a client that has proved to be it.
fn authenticated(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<String, ExchangeError> {
    let credentials = client_auth::credentials(headers, params).map_err(|error| match error {
        CredentialsError::TwoMethods => {
            ExchangeError::InvalidRequest("The client authenticated in two ways at once.")
        }
        CredentialsError::Missing | CredentialsError::Malformed => ExchangeError::InvalidClient,
    })?;
    app.clients()
        .authenticate(provider, &credentials.id, &credentials.secret)
        .map(|client| client.id.clone())
        .ok_or(ExchangeError::InvalidClient)
}

/// GitHub and Facebook know only one grant here and do not ask for its name; a wrong one is wrong
/// all the same.
fn grant_type(provider: Provider, params: &Params) -> Result<(), ExchangeError> {
    match params.get("grant_type") {
        Some("authorization_code") => Ok(()),
        Some(_) => Err(ExchangeError::UnsupportedGrantType),
        None if provider == Provider::Google => {
            Err(ExchangeError::InvalidRequest("grant_type is missing."))
        }
        None => Ok(()),
    }
}

fn required<'a>(
    params: &'a Params,
    name: &str,
    complaint: &'static str,
) -> Result<&'a str, ExchangeError> {
    params.get(name).ok_or(ExchangeError::InvalidRequest(complaint))
}
