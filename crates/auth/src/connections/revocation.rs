//! Ending a grant at its provider, in each dialect.

use ::http::request::Builder;
use ::http::{Request, Response, StatusCode, header};
use latchkey_domain::Timestamp;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::http::{Outbound, basic, basic_unencoded};
use crate::oauth::dialect::below;
use crate::oauth::error::{Error, Step};
use crate::oauth::facebook;
use crate::oauth::provider::{Kind, OpenId, Provider};
use crate::secret::Secret;
use crate::vault::ProviderTokens;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The provider says that its tokens are invalid, or were already.
    Revoked,
    /// The provider has no revocation. The tokens are deleted here.
    Unsupported,
    /// No secret of `APP_SECRET` decrypts the tokens: they are deleted here, and
    /// the provider was not told.
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

/// RFC 7009 §2.1. The refresh token first, which ends its access tokens at most
/// providers; then the access token, for those at which it does not.
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
    // The answer about the refresh token counts. Without it, access tokens that
    // cannot be revoked expire by themselves.
    let mut ended = None;
    for (token, hint) in tokens.into_iter().flatten() {
        let (request, body) = request(endpoint, provider, in_body, token, hint);
        let answer = send(http, request, body).await?;
        let _ = ended.get_or_insert(validate(&answer)?);
    }
    Ok(ended.unwrap_or(Revocation::Revoked))
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
        let us = basic(&provider.client_id, &provider.client_secret);
        request = request.header(header::AUTHORIZATION, us.expose());
    }
    (request, form.finish())
}

/// RFC 7009 §2.2: 200 also for a token that is unknown. Google and some others
/// say 400 `invalid_token` for that, which comes to the same. §2.2.1:
/// `unsupported_token_type` revokes nothing. The rest is RFC 6749 §5.2, where
/// `invalid_grant` may also be a token that was issued to another client.
fn validate(answer: &Response<Vec<u8>>) -> Result<Revocation, Error> {
    if answer.status().is_success() {
        return Ok(Revocation::Revoked);
    }
    let refused = answer.status() == StatusCode::BAD_REQUEST;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match body.get("error").and_then(Value::as_str) {
        Some("invalid_token") if refused => Ok(Revocation::Revoked),
        Some("unsupported_token_type") if refused => Ok(Revocation::Unsupported),
        Some(code @ ("invalid_client" | "unauthorized_client" | "invalid_grant")) => {
            Err(Error::TokenRefused { code: code.to_owned() })
        }
        _ => Err(Error::status(Step::Revocation, answer.status())),
    }
}

/// "Delete an app authorization": every token of this person for this app.
async fn github(
    http: &Outbound,
    provider: &Provider,
    api: &Url,
    tokens: &ProviderTokens,
) -> Result<Revocation, Error> {
    let url = below(api, &format!("applications/{}/grant", provider.client_id));
    let us = basic_unencoded(&provider.client_id, &provider.client_secret);
    let request = Request::delete(url.as_str())
        .header(header::AUTHORIZATION, us.expose())
        .header(header::ACCEPT, "application/vnd.github+json")
        .header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "access_token": tokens.access.expose() }).to_string();
    let answer = send(http, request, body).await?;
    match answer.status() {
        // 404 and 422: it knows no such token.
        status if status.is_success() => Ok(Revocation::Revoked),
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => Ok(Revocation::Revoked),
        StatusCode::UNAUTHORIZED => Err(Error::TokenRefused { code: "invalid_client".to_owned() }),
        status => Err(Error::status(Step::Revocation, status)),
    }
}

/// "Revoking login": without a permission named it ends all of them.
async fn facebook(
    http: &Outbound,
    provider: &Provider,
    graph: &Url,
    tokens: &ProviderTokens,
) -> Result<Revocation, Error> {
    const INVALID_TOKEN: i64 = 190;
    let mut url = below(graph, "me/permissions");
    let proof = facebook::appsecret_proof(tokens.access.expose(), &provider.client_secret);
    url.query_pairs_mut().append_pair("appsecret_proof", &proof);
    let request = Request::delete(url.as_str())
        .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access.expose()))
        .header(header::ACCEPT, "application/json");
    let answer = send(http, request, String::new()).await?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match body.pointer("/error/code").and_then(Value::as_i64) {
        _ if answer.status().is_success() && body["success"] == true => Ok(Revocation::Revoked),
        Some(INVALID_TOKEN) => Ok(Revocation::Revoked),
        Some(code) if facebook::is_limit(code) => Err(Error::rate_limited(Step::Revocation)),
        _ => Err(Error::status(Step::Revocation, answer.status())),
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
    fn a_dead_token_is_a_revoked_one() {
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
            let judged = validate(&answer);
            let failure = judged.as_ref().err().map(failure);
            assert_eq!((judged.ok(), failure), outcome, "{status} {body}");
        }
    }
}
