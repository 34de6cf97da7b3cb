//! The token endpoint, OIDC Core §3.1.3.

use axum::Json;
use axum::extract::State;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::id_token::IdToken;
use crate::app::{App, Shared};
use crate::keys::KeyError;
use crate::misbehave::Misbehaviour;
use crate::protocol::grants::GrantError;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{Exchanged, GrantType, TokenError, token_endpoint};
use crate::provider::Provider;

/// RFC 6749 §5.1 and OIDC Core §3.1.3.3.
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Google says it where it is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

pub async fn token(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Response, Response> {
    let exchanged = token_endpoint(&app, Provider::Google, &headers, params, error).await?;
    match answer(&app, exchanged).await {
        Ok(answer) => Ok(Json(answer).into_response()),
        Err(KeyError) => Err(server_error()),
    }
}

async fn answer(app: &App, exchanged: Exchanged) -> Result<TokenResponse, KeyError> {
    let Exchanged { authorization, access_token, refresh_token, grant_type } = exchanged;
    // Faults concern the sign-in; OIDC Core §12.2 wants the rest to stay the same.
    let misbehaviour = match grant_type {
        GrantType::AuthorizationCode => authorization.misbehaviour,
        GrantType::RefreshToken => Misbehaviour::None,
    };
    let mut id_token = None;
    if authorization.scopes.contains("openid") && misbehaviour != Misbehaviour::MissingIdToken {
        let claims = IdToken::new(app, &authorization, &access_token);
        let claims = match grant_type {
            GrantType::AuthorizationCode => claims.twisted(misbehaviour),
            GrantType::RefreshToken => claims.without_nonce(),
        };
        let signed = app.keys.blocking(move |ring| {
            let key = match misbehaviour {
                Misbehaviour::RotatedKeys => ring.rotate()?,
                _ => ring.current()?,
            };
            key.sign(&claims, misbehaviour)
        });
        id_token = Some(signed.await?);
    }
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: Provider::Google.access_token_lifetime().as_secs(),
        scope: authorization.scopes.joined(" "),
        refresh_token_expires_in: (refresh_token.is_some() && authorization.person.testing)
            .then(|| authorization.refresh_lifetime().as_secs()),
        refresh_token,
        id_token,
    })
}

/// RFC 6749 §5.2.
pub fn error(refusal: TokenError) -> Response {
    // Which of the bindings did not hold is in the provider's log, not in the answer.
    let (code, description) = match refusal {
        TokenError::InvalidRequest(why) => ("invalid_request", why),
        TokenError::InvalidClient => {
            let challenge = [(WWW_AUTHENTICATE, r#"Basic realm="google", charset="UTF-8""#)];
            let body = Json(json!({ "error": "invalid_client" }));
            return (StatusCode::UNAUTHORIZED, challenge, body).into_response();
        }
        TokenError::UnsupportedGrantType => {
            ("unsupported_grant_type", "Only authorization_code and refresh_token are supported.")
        }
        TokenError::InvalidGrant(_, GrantError::TooWide) => {
            ("invalid_scope", "A refresh can narrow what was granted, not widen it.")
        }
        TokenError::InvalidGrant(GrantType::AuthorizationCode, _) => (
            "invalid_grant",
            "The code is unknown, used, expired, or was issued for something else.",
        ),
        // Google's words.
        TokenError::InvalidGrant(GrantType::RefreshToken, _) => {
            ("invalid_grant", "Token has been expired or revoked.")
        }
        TokenError::InvalidTarget => {
            ("invalid_target", "resource is not what was consented to (RFC 8707).")
        }
        TokenError::NoRandomness => return server_error(),
    };
    bad_request(code, description)
}

pub fn bad_request(code: &str, description: &str) -> Response {
    let body = json!({ "error": code, "error_description": description });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn server_error() -> Response {
    let body = json!({ "error": "server_error" });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}
