//! Revokes grants at the providers.

use ::http::request::Builder;
use ::http::{Request, Response, StatusCode, header};
use latchkey_domain::Timestamp;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::http::{Outbound, basic, basic_unencoded};
use crate::oauth::dialect::join_path;
use crate::oauth::error::{Error, Step};
use crate::oauth::facebook;
use crate::oauth::provider::{Kind, OpenId, Provider};
use crate::secret::Secret;
use crate::vault::ProviderTokens;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The provider confirmed that its tokens are invalid.
    Revoked,
    /// The provider has no revocation endpoint. The tokens are deleted here.
    Unsupported,
    /// No secret of `APP_SECRET` decrypts the tokens. They are deleted here only.
    Unreadable,
}

pub(super) async fn revoke(
    http: &Outbound,
    provider: &Provider,
    tokens: &ProviderTokens,
    now: Timestamp,
) -> Result<Revocation, Error> {
    match &provider.kind {
        Kind::OpenId(openid) => open_id(http, provider, openid, tokens, now).await,
        Kind::GitHub { api, .. } => github(http, provider, api, tokens).await,
        Kind::Facebook { graph, .. } => facebook(http, provider, graph, tokens).await,
    }
}

/// RFC 7009 §2.1. First the refresh token, which at most providers also revokes the access
/// tokens; then the access token, for the others.
async fn open_id(
    http: &Outbound,
    provider: &Provider,
    openid: &OpenId,
    tokens: &ProviderTokens,
    now: Timestamp,
) -> Result<Revocation, Error> {
    let metadata = openid.discovery.metadata(http, &openid.issuer, now).await?;
    let Some(endpoint) = &metadata.revocation_endpoint else { return Ok(Revocation::Unsupported) };
    let tokens = [
        tokens.refresh.as_ref().map(|token| (token, "refresh_token")),
        Some((&tokens.access, "access_token")),
    ];
    let in_body = openid.secret_in_body(&metadata);
    // The first response counts: an access token that cannot be revoked expires by itself.
    let mut result = None;
    for (token, hint) in tokens.into_iter().flatten() {
        let (request, body) = request(endpoint, provider, in_body, token, hint);
        let response = send(http, request, body).await?;
        let _ = result.get_or_insert(validate(&response)?);
    }
    Ok(result.unwrap_or(Revocation::Revoked))
}

fn request(
    endpoint: &Url,
    provider: &Provider,
    secret_in_body: bool,
    token: &Secret,
    hint: &str,
) -> (Builder, String) {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", hint);
    let mut request = Request::post(endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    if secret_in_body {
        form.append_pair("client_id", &provider.client_id)
            .append_pair("client_secret", provider.client_secret.expose());
    } else {
        let authorization = basic(&provider.client_id, &provider.client_secret);
        request = request.header(header::AUTHORIZATION, authorization.expose());
    }
    (request, form.finish())
}

/// RFC 7009 §2.2: 200 also for an unknown token, for which Google and others send 400
/// `invalid_token`. §2.2.1: `unsupported_token_type` revokes nothing. Other errors are those of
/// RFC 6749 §5.2, where `invalid_grant` can mean a token of another client.
fn validate(response: &Response<Vec<u8>>) -> Result<Revocation, Error> {
    if response.status().is_success() {
        return Ok(Revocation::Revoked);
    }
    let is_bad_request = response.status() == StatusCode::BAD_REQUEST;
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    match body.get("error").and_then(Value::as_str) {
        Some("invalid_token") if is_bad_request => Ok(Revocation::Revoked),
        Some("unsupported_token_type") if is_bad_request => Ok(Revocation::Unsupported),
        Some(code @ ("invalid_client" | "unauthorized_client" | "invalid_grant")) => {
            Err(Error::TokenRefused { code: code.to_owned() })
        }
        _ => Err(Error::status(Step::Revocation, response.status())),
    }
}

/// "Delete an app authorization": revokes all tokens of this user for this app.
async fn github(
    http: &Outbound,
    provider: &Provider,
    api: &Url,
    tokens: &ProviderTokens,
) -> Result<Revocation, Error> {
    let url = join_path(api, &format!("applications/{}/grant", provider.client_id));
    let authorization = basic_unencoded(&provider.client_id, &provider.client_secret);
    let request = Request::delete(url.as_str())
        .header(header::AUTHORIZATION, authorization.expose())
        .header(header::ACCEPT, "application/vnd.github+json")
        .header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "access_token": tokens.access.expose() }).to_string();
    let response = send(http, request, body).await?;
    match response.status() {
        // 404 and 422: the token is unknown.
        status if status.is_success() => Ok(Revocation::Revoked),
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => Ok(Revocation::Revoked),
        StatusCode::UNAUTHORIZED => Err(Error::TokenRefused { code: "invalid_client".to_owned() }),
        status => Err(Error::status(Step::Revocation, status)),
    }
}

/// "Revoking login": without a named permission it revokes all of them.
async fn facebook(
    http: &Outbound,
    provider: &Provider,
    graph: &Url,
    tokens: &ProviderTokens,
) -> Result<Revocation, Error> {
    const INVALID_TOKEN: i64 = 190;
    let mut url = join_path(graph, "me/permissions");
    let proof = facebook::appsecret_proof(tokens.access.expose(), &provider.client_secret);
    url.query_pairs_mut().append_pair("appsecret_proof", &proof);
    let request = Request::delete(url.as_str())
        .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access.expose()))
        .header(header::ACCEPT, "application/json");
    let response = send(http, request, String::new()).await?;
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    match body.pointer("/error/code").and_then(Value::as_i64) {
        _ if response.status().is_success() && body["success"] == true => Ok(Revocation::Revoked),
        Some(INVALID_TOKEN) => Ok(Revocation::Revoked),
        Some(code) if facebook::is_rate_limit_code(code) => {
            Err(Error::rate_limited(Step::Revocation))
        }
        _ => Err(Error::status(Step::Revocation, response.status())),
    }
}

async fn send(http: &Outbound, request: Builder, body: String) -> Result<Response<Vec<u8>>, Error> {
    let request = request.body(body.into_bytes()).map_err(|_| {
        Error::invalid_response(Step::Revocation, "the token cannot stand in a request")
    })?;
    http.send(request).await.map_err(Error::unreachable(Step::Revocation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::grants::failure;
    use latchkey_domain::connection::Failure;

    #[test]
    fn revocation_responses_map_to_outcomes() {
        let later = |failure| (None, Some(failure));
        let done = |ended| (Some(ended), None);
        for (status, body, outcome) in [
            (200, "", done(Revocation::Revoked)),
            (204, "", done(Revocation::Revoked)),
            (400, r#"{"error":"invalid_token"}"#, done(Revocation::Revoked)),
            (400, r#"{"error":"unsupported_token_type"}"#, done(Revocation::Unsupported)),
            (503, r#"{"error":"unsupported_token_type"}"#, later(Failure::Down)),
            (400, r#"{"error":"invalid_grant"}"#, later(Failure::ClientRejected)),
            (400, r#"{"error":"invalid_request"}"#, later(Failure::InvalidResponse)),
            (401, r#"{"error":"invalid_token"}"#, later(Failure::InvalidResponse)),
            (401, r#"{"error":"invalid_client"}"#, later(Failure::ClientRejected)),
            (503, r#"{"error":"invalid_token"}"#, later(Failure::Down)),
            (302, "", later(Failure::InvalidResponse)),
            (404, "<html>", later(Failure::InvalidResponse)),
        ] {
            let mut answer = Response::new(body.as_bytes().to_vec());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            let result = validate(&answer);
            let failure = result.as_ref().err().map(failure);
            assert_eq!((result.ok(), failure), outcome, "{status} {body}");
        }
    }
}
