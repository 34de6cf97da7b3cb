//! The shared token endpoint (RFC 6749 §4.1.3 and §6), and access to protected resources.

use std::sync::Arc;

use axum::response::Response;

use super::credentials::{BearerError, MultipleMethods, access_token, client_credentials};
use super::grants::{
    Authorization, CodeExchange, GrantError, GrantType, Issued, NewTokens, RefreshRequest,
};
use super::params::{Call, Params};
use super::scopes::Audience;
use crate::app::App;
use crate::config::Client;
use crate::kit::random_token;
use crate::provider::Provider;

/// RFC 6749 §5.2. Each dialect reports these differently.
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

impl Call {
    /// Handles a token request. `error_response` writes an error in the dialect.
    pub async fn issue_tokens(
        &self,
        provider: Provider,
        error_response: impl FnOnce(TokenError) -> Response,
    ) -> Result<Issued, Response> {
        let issued = self.exchange(provider).map_err(|error| {
            tracing::info!(%provider, ?error, "no access token issued");
            error_response(error)
        })?;
        let authorization = &issued.authorization;
        tracing::info!(
            %provider,
            client = authorization.client.id,
            person = authorization.person.key,
            grant_type = ?issued.grant_type,
            refresh_token = issued.refresh_token.is_some(),
            "access token issued",
        );
        let fault = match issued.grant_type {
            GrantType::AuthorizationCode => authorization.misbehaviour.code_fault().await,
            GrantType::RefreshToken => authorization.misbehaviour.refresh_fault().await,
        };
        fault.map_or(Ok(issued), Err)
    }

    fn exchange(&self, provider: Provider) -> Result<Issued, TokenError> {
        let (app, params) = (&self.app, self.unique_params()?);
        let client = self.client(provider)?;
        let grant_type = grant_type(provider, params)?;
        let audience = audience(app, provider, params)?;
        let audience = audience.as_ref();
        let new_token = || random_token().map_err(|_| TokenError::NoRandomness);
        let new = NewTokens { access: new_token()?, refresh: new_token()? };
        let issued = match grant_type {
            GrantType::AuthorizationCode => {
                let code = self.required("code", "code is missing.")?;
                let redirect_uri = self.required("redirect_uri", "redirect_uri is missing.")?;
                // A missing verifier is a wrong one: RFC 7636 §4.6 requires `invalid_grant`.
                let verifier = params.get("code_verifier").unwrap_or_default();
                let request = CodeExchange { client, code, redirect_uri, verifier, audience };
                app.grants().redeem(app.now(), &request, new)
            }
            GrantType::RefreshToken => {
                let refresh_token = self.required("refresh_token", "refresh_token is missing.")?;
                let scope = params.get("scope");
                let request = RefreshRequest { client, refresh_token, scope, audience };
                app.grants().refresh(app.now(), &request, new)
            }
        };
        issued.map_err(|error| match error {
            GrantError::WrongAudience => TokenError::InvalidTarget,
            error => TokenError::InvalidGrant(grant_type, error),
        })
    }

    /// Rejects repeated parameters, RFC 6749 §3.2.
    pub fn unique_params(&self) -> Result<&Params, TokenError> {
        let params = self.params.as_ref();
        let params = params.map_err(|error| TokenError::InvalidRequest((*error).into()))?;
        match params.repeated() {
            Some(_) => Err(TokenError::InvalidRequest("A parameter is repeated.")),
            None => Ok(params),
        }
    }

    pub fn required(&self, name: &str, error: &'static str) -> Result<&str, TokenError> {
        self.unique_params()?.get(name).ok_or(TokenError::InvalidRequest(error))
    }

    pub fn client(&self, provider: Provider) -> Result<&Arc<Client>, TokenError> {
        let credentials = client_credentials(&self.headers, self.unique_params()?);
        let credentials = credentials.map_err(|MultipleMethods| {
            TokenError::InvalidRequest("The client used more than one authentication method.")
        })?;
        credentials
            .and_then(|one| self.app.clients.authenticate(provider, &one.id, &one.secret))
            .ok_or(TokenError::InvalidClient)
    }

    /// The access token for a provider's own APIs. Facebook also accepts one in the query.
    pub fn access_token(&self, provider: Provider) -> Result<&str, BearerError> {
        let params = self.params.as_ref().ok().filter(|_| provider == Provider::Facebook);
        let in_query = params.and_then(|params| params.get("access_token"));
        match (access_token(&self.headers, provider.token_schemes()), in_query) {
            (Err(BearerError::Missing), Some(token)) => Ok(token),
            (Ok(_), Some(_)) => Err(BearerError::Malformed),
            (found, _) => found,
        }
    }

    /// The authorization behind the access token for a provider's own APIs.
    pub fn authorization(&self, provider: Provider) -> Result<Arc<Authorization>, BearerError> {
        let token = self.access_token(provider)?;
        self.app.grants().access(self.app.now(), provider, token).ok_or(BearerError::Invalid)
    }
}

/// GitHub and Facebook support only one grant here, so they do not require `grant_type`.
fn grant_type(provider: Provider, params: &Params) -> Result<GrantType, TokenError> {
    match (params.get("grant_type"), provider) {
        (Some("authorization_code"), _) => Ok(GrantType::AuthorizationCode),
        (Some("refresh_token"), Provider::Google) => Ok(GrantType::RefreshToken),
        (Some(_), _) => Err(TokenError::UnsupportedGrantType),
        (None, Provider::Google) => Err(TokenError::InvalidRequest("grant_type is missing.")),
        (None, _) => Ok(GrantType::AuthorizationCode),
    }
}

/// `resource` at the token endpoint, RFC 8707 §2.2.
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
