//! The token endpoint that the three dialects share: a code or a refresh token for an access token,
//! RFC 6749 §4.1.3 and §6. And access to a protected resource.

use std::sync::Arc;

use axum::response::Response;

use super::credentials::{BearerError, TwoMethods, access_token, client_credentials};
use super::grants::{Authorization, GrantError, GrantType, Issued, NewTokens, Redemption, Refresh};
use super::params::{Call, Params};
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

impl Call {
    /// Answers a token request, step by step. `refuse` writes an error in the words of the dialect.
    pub async fn tokens(
        &self,
        provider: Provider,
        refuse: impl FnOnce(TokenError) -> Response,
    ) -> Result<Issued, Response> {
        let issued = self.exchange(provider).map_err(|refusal| {
            tracing::info!(%provider, ?refusal, "no access token issued");
            refuse(refusal)
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
            GrantType::AuthorizationCode => authorization.misbehaviour.fault_of_code().await,
            GrantType::RefreshToken => authorization.misbehaviour.fault_of_refresh().await,
        };
        fault.map_or(Ok(issued), Err)
    }

    fn exchange(&self, provider: Provider) -> Result<Issued, TokenError> {
        let (app, params) = (&self.app, self.unique()?);
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
                // A missing one is a wrong one: RFC 7636 §4.6 wants `invalid_grant`.
                let verifier = params.get("code_verifier").unwrap_or_default();
                let attempt = Redemption { client, code, redirect_uri, verifier, audience };
                app.grants().redeem(app.now(), &attempt, new)
            }
            GrantType::RefreshToken => {
                let refresh_token = self.required("refresh_token", "refresh_token is missing.")?;
                let scope = params.get("scope");
                let attempt = Refresh { client, refresh_token, scope, audience };
                app.grants().refresh(app.now(), &attempt, new)
            }
        };
        issued.map_err(|error| match error {
            GrantError::OtherAudience => TokenError::InvalidTarget,
            error => TokenError::InvalidGrant(grant_type, error),
        })
    }

    /// RFC 6749 §3.2: no parameter may come twice.
    pub fn unique(&self) -> Result<&Params, TokenError> {
        let params = self.params.as_ref();
        let params = params.map_err(|error| TokenError::InvalidRequest((*error).into()))?;
        match params.repeated() {
            Some(_) => Err(TokenError::InvalidRequest("A parameter came more than once.")),
            None => Ok(params),
        }
    }

    pub fn required(&self, name: &str, complaint: &'static str) -> Result<&str, TokenError> {
        self.unique()?.get(name).ok_or(TokenError::InvalidRequest(complaint))
    }

    pub fn client(&self, provider: Provider) -> Result<&Arc<Client>, TokenError> {
        let credentials = client_credentials(&self.headers, self.unique()?);
        let credentials = credentials.map_err(|TwoMethods| {
            TokenError::InvalidRequest("The client authenticated in two ways at once.")
        })?;
        credentials
            .and_then(|own| self.app.clients.authenticate(provider, &own.id, &own.secret))
            .ok_or(TokenError::InvalidClient)
    }

    /// The access token of a request to a provider's own APIs. Facebook takes one in the query.
    pub fn access_token(&self, provider: Provider) -> Result<&str, BearerError> {
        let params = self.params.as_ref().ok().filter(|_| provider == Provider::Facebook);
        let in_query = params.and_then(|params| params.get("access_token"));
        match (access_token(&self.headers, provider.token_schemes()), in_query) {
            (Err(BearerError::Missing), Some(token)) => Ok(token),
            (Ok(_), Some(_)) => Err(BearerError::Malformed),
            (found, _) => found,
        }
    }

    /// What the access token of a request to a provider's own APIs stands for.
    pub fn authorization(&self, provider: Provider) -> Result<Arc<Authorization>, BearerError> {
        let token = self.access_token(provider)?;
        self.app.grants().access(self.app.now(), provider, token).ok_or(BearerError::Invalid)
    }
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
