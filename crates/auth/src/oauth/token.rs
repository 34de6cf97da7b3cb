//! The token request and response (RFC 6749 §4.1.3, §4.1.4).

use latchkey_domain::{Span, Timestamp};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;

use ::http::{StatusCode, header};
use latchkey_domain::connection::ProviderScopes;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret,
    EndpointNotSet, EndpointSet, PkceCodeVerifier, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dialect::Endpoints;
use super::error::{Error, Step, strip_bom};
use super::provider::{Kind, Provider};
use super::{facebook, github};
use crate::http::{Outbound, date};
use crate::secret::Secret;

/// The oauth2 crate's client with its type-state parameters.
pub(crate) type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

pub(crate) fn client(provider: &Provider, endpoints: &Endpoints) -> Client {
    oauth2::Client::new(ClientId::new(provider.client_id.clone()))
        .set_client_secret(ClientSecret::new(provider.client_secret.expose().to_owned()))
        .set_auth_uri(AuthUrl::from_url(endpoints.authorization.clone()))
        .set_token_uri(TokenUrl::from_url(endpoints.token.clone()))
        .set_redirect_uri(provider.redirect_uri.clone())
        .set_auth_type(if endpoints.secret_in_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        })
}

/// A token response.
///
/// The oauth2 crate's own type rejects the response if `expires_in` is a string, negative or
/// a float, all of which providers send. We ignore an invalid lifetime.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Tokens {
    access_token: AccessToken,
    #[serde(deserialize_with = "token_type")]
    token_type: BasicTokenType,
    #[serde(default)]
    expires_in: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<RefreshToken>,
    #[serde(default, rename = "scope", deserialize_with = "scopes")]
    scopes: Option<Vec<Scope>>,
    #[serde(default)]
    id_token: Value,
}

/// Case-insensitive (RFC 6749 §5.1), and a type that we support (§7.1).
fn token_type<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BasicTokenType, D::Error> {
    let name = String::deserialize(from)?;
    if name.eq_ignore_ascii_case("bearer") {
        Ok(BasicTokenType::Bearer)
    } else {
        Err(serde::de::Error::custom("the token is of a type that we cannot use"))
    }
}

/// Separated by spaces (§3.3), or by commas at GitHub. Ignores anything but a string.
fn scopes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<Scope>>, D::Error> {
    let scopes = Value::deserialize(from)?;
    let split = |text: &str| {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(|word| Scope::new(word.to_owned())).collect()
    };
    Ok(scopes.as_str().map(split))
}

impl TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.lifetime().map(Into::into)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

impl Tokens {
    /// A whole number of seconds, up to a hundred years; anything else is ignored.
    pub fn lifetime(&self) -> Option<Span> {
        let seconds = match &self.expires_in {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let seconds = seconds.filter(|seconds| *seconds <= 100 * 366 * 86_400)?;
        Some(Span::seconds(u32::try_from(seconds).ok()?))
    }

    pub fn granted(&self) -> Option<ProviderScopes> {
        Some(ProviderScopes::new(self.scopes.as_ref()?.iter().map(|scope| scope.as_str())))
    }

    pub fn id_token(&self) -> Option<&str> {
        self.id_token.as_str()
    }
}

/// Exchanges the code, without retries because a code is single-use. Also returns the
/// provider's `Date`.
pub(crate) async fn exchange(
    http: &Outbound,
    provider: &Provider,
    endpoints: &Endpoints,
    code: String,
    verifier: &str,
) -> Result<(Tokens, Option<Timestamp>), Error> {
    let adapter = TokenEndpoint { http, kind: &provider.kind, date: Mutex::default() };
    let tokens = client(provider, endpoints)
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
        .request_async(&adapter)
        .await
        .map_err(token_error)?;
    let date = *adapter.date.lock();
    Ok((tokens, date))
}

/// RFC 6749 §6, without `scope`: the granted scope stays.
pub(crate) async fn refresh(
    http: &Outbound,
    provider: &Provider,
    endpoints: &Endpoints,
    refresh_token: &Secret,
) -> Result<Tokens, Error> {
    let adapter = TokenEndpoint { http, kind: &provider.kind, date: Mutex::default() };
    client(provider, endpoints)
        .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().to_owned()))
        .request_async(&adapter)
        .await
        .map_err(token_error)
}

fn token_error(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::ServerResponse(response) => match response.error() {
            BasicErrorResponseType::InvalidGrant => Error::InvalidGrant,
            other => Error::TokenRefused { code: sanitize(other.as_ref()) },
        },
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Error::invalid_response(Step::Token, "it is not a token response")
        }
    }
}

fn sanitize(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect()
}

/// Sends the oauth2 crate's requests with [`Outbound`] and normalizes the responses.
struct TokenEndpoint<'a> {
    http: &'a Outbound,
    kind: &'a Kind,
    date: Mutex<Option<Timestamp>>,
}

/// The oauth2 crate accepts JSON only with the right content type and without a byte order
/// mark.
fn normalize_json(mut response: oauth2::HttpResponse) -> oauth2::HttpResponse {
    let body = strip_bom(response.body());
    if body.trim_ascii_start().starts_with(b"{") {
        *response.body_mut() = body.to_vec();
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    response
}

impl<'c> AsyncHttpClient<'c> for TokenEndpoint<'_> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response =
                self.http.send(request).await.map_err(Error::unreachable(Step::Token))?;
            *self.date.lock() = date(response.headers());
            let status = response.status();
            if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                return Err(Error::ProviderUnavailable { step: Step::Token, status });
            }
            if let Kind::Facebook { .. } = self.kind
                && facebook::is_rate_limited(&response)
            {
                return Err(Error::rate_limited(Step::Token));
            }
            Ok(match self.kind {
                Kind::OpenId(_) => normalize_json(response),
                Kind::GitHub { .. } => github::normalize_token_response(response),
                Kind::Facebook { .. } => facebook::normalize_token_response(response),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn invalid_expires_in_is_ignored() -> Result<(), serde_json::Error> {
        for (expires_in, seconds) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(1e20), None),
            (json!(u64::MAX), None),
            (json!(1.5), None),
            (json!(null), None),
            (json!("soon"), None),
            (json!([1]), None),
        ] {
            let tokens: Tokens = serde_json::from_value(json!({
                "access_token": "a", "token_type": "Bearer", "expires_in": expires_in
            }))?;
            assert_eq!(tokens.lifetime().map(Span::as_seconds), seconds, "{expires_in}");
        }
        Ok(())
    }

    #[test]
    fn token_scopes_split_on_spaces_or_commas() -> Result<(), serde_json::Error> {
        let tokens: Tokens = serde_json::from_value(json!({
            "access_token": "a", "token_type": "bearer", "scope": "read:user,user:email x"
        }))?;
        assert_eq!(tokens.scopes().map(Vec::len), Some(3));
        Ok(())
    }
}
