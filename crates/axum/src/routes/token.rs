//! Tokens for programs: issued for a password, renewed, revoked.

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
use crate::errors::{AppError, HandlerResult, Refusals, catalogue};
use crate::extract::JsonBody;
use crate::refresh::refresh_tokens;
use crate::sign_in::{Proof, end_sign_in, new_sign_in};
use crate::state::Latchkey;
use crate::{audit, password};

/// What programs of people's own are, to the JWTs that they carry.
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
    responses((status = 200, body = TokenAnswer), Refusals)
)]
pub async fn issue(
    State(latchkey): State<Latchkey>,
    client: Client,
    JsonBody(request): JsonBody<TokenRequest>,
) -> HandlerResult<Json<TokenAnswer>> {
    let scope = wanted(request.scope.as_deref())?;
    let Some(proof) =
        password::authenticate(&latchkey, &request.email, &request.password, &client).await?
    else {
        return Err(AppError::new(catalogue::WRONG_CREDENTIALS)
            .oauth_error("invalid_grant")
            .challenge(""));
    };
    let user = &proof.user;
    let now = Proof::password(latchkey.clock.now());
    let sign_in = new_sign_in(&latchkey, user.id, now, CredentialKind::Jwt, &client);
    let client_id = latchkey.config.product.client_id(PROGRAM);
    let pair = latchkey.issuer.issue(user, &sign_in, scope, &client_id).await?;
    proof.ensure_unchanged(&latchkey, sign_in.id).await?;
    latchkey.metrics.sign_in("password", "jwt", "ok");
    let how = "password, a program";
    audit::by_person(&latchkey, Kind::SignedIn, user.id, how, &client).await;
    Ok(Json(pair.into()))
}

/// Refresh a token
///
/// Exchanges a refresh token for the next pair. A second request within ten
/// seconds gets the same response; later reuse revokes the whole family.
#[utoipa::path(
    post, path = "/api/v1/token/refresh", tag = "Tokens", request_body = RefreshRequest,
    responses((status = 200, body = TokenAnswer), Refusals)
)]
pub async fn refresh(
    State(latchkey): State<Latchkey>,
    client: Client,
    JsonBody(request): JsonBody<RefreshRequest>,
) -> HandlerResult<Json<TokenAnswer>> {
    latchkey.limits.check(&client)?;
    let exchanged = refresh_tokens(&latchkey, &request.refresh_token, None, &client).await;
    let pair = exchanged.map_err(|error| AppError::from(error).oauth_error("invalid_grant"))?;
    Ok(Json(pair.into()))
}

/// Revoke a token
///
/// Revokes the sign-in that a token belongs to. 200 also for an unknown token
/// (RFC 7009 §2.2): there is nothing to revoke.
#[utoipa::path(
    post, path = "/api/v1/token/revoke", tag = "Tokens", request_body = RevokeRequest,
    responses((status = 200, description = "The token is revoked, or was never valid"), Refusals)
)]
pub async fn revoke(
    State(latchkey): State<Latchkey>,
    client: Client,
    JsonBody(request): JsonBody<RevokeRequest>,
) -> HandlerResult<StatusCode> {
    let found = latchkey.issuer.find_sign_in(&request.token, latchkey.clock.now()).await?;
    if let Some((id, user)) = found
        && end_sign_in(&latchkey, id, user).await?
    {
        audit::by_person(&latchkey, Kind::SignInEnded, user, "token revoked", &client).await;
    }
    Ok(StatusCode::OK)
}

/// What was asked for; everything when nothing was (RFC 6749 §3.3). A scope
/// that is there and names nothing is a mistake, and must not grant everything.
fn wanted(scope: Option<&str>) -> HandlerResult<Scopes> {
    let Some(scope) = scope else { return Ok(Scopes::all()) };
    let scopes = scope.parse::<Scopes>().ok().filter(|scopes| !scopes.is_empty());
    scopes.ok_or_else(|| AppError::new(catalogue::INVALID_SCOPE).oauth_error("invalid_scope"))
}

/// `GET /.well-known/jwks.json` (RFC 7517 §5): the keys that verify our access
/// tokens. Symmetric ones are never among them.
pub(super) async fn jwks(
    State(latchkey): State<Latchkey>,
) -> ([(HeaderName, String); 1], Json<Value>) {
    let keys = latchkey.keys.ring().key_set(latchkey.clock.now());
    let lasts = format!("public, max-age={MAX_AGE_SECONDS}");
    ([(header::CACHE_CONTROL, lasts)], Json(keys))
}
