//! The token API for programs: issue, refresh, revoke.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::header::{self, HeaderName};
use latchkey_auth::tokens::TokenPair;
use latchkey_auth::tokens::ring::MAX_AGE_SECONDS;
use latchkey_domain::audit::Kind;
use latchkey_domain::{CredentialKind, Scopes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::client::Client;
use crate::errors::{AppError, ErrorResponses, HandlerResult, catalogue};
use crate::extract::JsonBody;
use crate::refresh::refresh_tokens;
use crate::sign_in::{Proof, end_sign_in, new_sign_in};
use crate::state::Latchkey;
use crate::{audit, password};

/// The client of programs in [`crate::config::Product::client_id`].
const PROGRAM: &str = "api";

/// A password, and what the token is to be for.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// The account’s e-mail address.
    email: String,
    /// The password.
    password: String,
    /// A narrower scope: names separated by spaces.
    #[schema(
        example = "profile calendar:read",
        pattern = "^ *(profile|calendar:read|contacts:read|contacts:write)( +(profile|calendar:read|contacts:read|contacts:write))* *$"
    )]
    scope: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub struct RefreshRequest {
    /// The refresh token of the previous response. It works once.
    refresh_token: String,
}

/// The token to revoke.
#[derive(Deserialize, ToSchema)]
pub struct RevokeRequest {
    /// An access token or a refresh token.
    token: String,
}

/// A pair of tokens (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// A JWT: send it as `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// Gets the next pair, once.
    refresh_token: String,
    /// What the access token allows.
    scope: String,
}

impl From<TokenPair> for TokenAnswer {
    fn from(pair: TokenPair) -> Self {
        Self {
            expires_in: pair.claims.exp - pair.claims.iat,
            scope: pair.claims.scope.to_string(),
            access_token: pair.access_token,
            token_type: "Bearer",
            refresh_token: pair.refresh_token,
        }
    }
}

/// Get a token
///
/// Exchanges an e-mail address and a password for a JWT and a refresh token.
#[utoipa::path(
    post, path = "/api/v1/token", tag = "Tokens", request_body = TokenRequest,
    responses((status = 200, body = TokenAnswer), ErrorResponses)
)]
pub async fn issue_token(
    State(latchkey): State<Latchkey>,
    client: Client,
    JsonBody(request): JsonBody<TokenRequest>,
) -> HandlerResult<Json<TokenAnswer>> {
    let scope = requested_scope(request.scope.as_deref())?;
    let wrong =
        || AppError::new(catalogue::WRONG_CREDENTIALS).oauth_error("invalid_grant").challenge("");
    let verified =
        password::authenticate(&latchkey, &request.email, &request.password, &client).await?;
    let verified = verified.ok_or_else(wrong)?;
    let user = &verified.user;
    let password = Proof::password(latchkey.clock.now());
    let sign_in = new_sign_in(&latchkey, user.id, password, CredentialKind::Jwt, &client);
    let client_id = latchkey.config.product.client_id(PROGRAM);
    let pair = latchkey.issuer.issue(user, &sign_in, scope, &client_id).await?;
    if !verified.is_unchanged(&latchkey).await? {
        end_sign_in(&latchkey, sign_in.id, user.id).await?;
        return Err(wrong());
    }
    latchkey.metrics.record_sign_in("password", "jwt", "ok");
    let how = "password, a program";
    audit::record_by_user(&latchkey, Kind::SignedIn, user.id, how, &client).await;
    Ok(Json(pair.into()))
}

/// Refresh a token
///
/// Exchanges a refresh token for the next pair. A second request within ten
/// seconds gets the same response; later reuse revokes the whole family.
#[utoipa::path(
    post, path = "/api/v1/token/refresh", tag = "Tokens", request_body = RefreshRequest,
    responses((status = 200, body = TokenAnswer), ErrorResponses)
)]
pub async fn refresh_token(
    State(latchkey): State<Latchkey>,
    client: Client,
    JsonBody(request): JsonBody<RefreshRequest>,
) -> HandlerResult<Json<TokenAnswer>> {
    latchkey.limits.check(&client)?;
    let refreshed = refresh_tokens(&latchkey, &request.refresh_token, None, &client).await;
    let pair = refreshed.map_err(|error| AppError::from(error).oauth_error("invalid_grant"))?;
    Ok(Json(pair.into()))
}

/// Revoke a token
///
/// Revokes the sign-in that a token belongs to. 200 also for an unknown token
/// (RFC 7009 §2.2): there is nothing to revoke.
#[utoipa::path(
    post, path = "/api/v1/token/revoke", tag = "Tokens", request_body = RevokeRequest,
    responses((status = 200, description = "The token is revoked, or was never valid"), ErrorResponses)
)]
pub async fn revoke_token(
    State(latchkey): State<Latchkey>,
    client: Client,
    JsonBody(request): JsonBody<RevokeRequest>,
) -> HandlerResult<StatusCode> {
    let found = latchkey.issuer.find_sign_in(&request.token, latchkey.clock.now()).await?;
    if let Some((id, user)) = found
        && end_sign_in(&latchkey, id, user).await?
    {
        audit::record_by_user(&latchkey, Kind::SignInEnded, user, "token revoked", &client).await;
    }
    Ok(StatusCode::OK)
}

/// All scopes without the parameter (RFC 6749 §3.3). An empty one is an error, and must not
/// grant everything.
fn requested_scope(scope: Option<&str>) -> HandlerResult<Scopes> {
    let Some(scope) = scope else { return Ok(Scopes::all()) };
    let scopes = scope.parse::<Scopes>().ok().filter(|scopes| !scopes.is_empty());
    scopes.ok_or_else(|| AppError::new(catalogue::INVALID_SCOPE).oauth_error("invalid_scope"))
}

/// `GET /.well-known/jwks.json` (RFC 7517 §5): the public keys of our access tokens.
pub(super) async fn jwks(
    State(latchkey): State<Latchkey>,
) -> ([(HeaderName, String); 1], Json<Value>) {
    let keys = latchkey.keys.ring().key_set(latchkey.clock.now());
    let caching = format!("public, max-age={MAX_AGE_SECONDS}");
    ([(header::CACHE_CONTROL, caching)], Json(keys))
}
