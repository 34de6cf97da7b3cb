//! The token endpoint, OIDC Core §3.1.3.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use http::header::WWW_AUTHENTICATE;
use serde::Serialize;
use serde_json::json;

use super::{id_token::IdToken, keys};
use crate::{
    Provider,
    app::{App, Shared},
    faults, jwt,
    keys::KeyError,
    misbehave::Misbehaviour,
    protocol::{
        exchange::{ExchangeError, Exchanged, GrantType, exchange},
        grants::RenewalError,
        params::{Params, ParamsError},
    },
};

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

pub(super) async fn token(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let exchanged = match exchange(&app, Provider::Google, &headers, params) {
        Ok(exchanged) => exchanged,
        Err(refusal) => return error(&refusal),
    };
    let misbehaviour = exchanged.authorization.misbehaviour;
    let fault = match exchanged.grant_type {
        GrantType::AuthorizationCode => faults::token_endpoint(misbehaviour).await,
        GrantType::RefreshToken => faults::refresh(misbehaviour).await,
    };
    if let Some(fault) = fault {
        return fault;
    }
    match answer(&app, exchanged).await {
        Ok(answer) => Json(answer).into_response(),
        Err(KeyError) => server_error(),
    }
}

async fn answer(app: &App, exchanged: Exchanged) -> Result<TokenResponse, KeyError> {
    let Exchanged { authorization, access_token, refresh_token, grant_type } = exchanged;
    // What goes wrong goes wrong at the sign-in; OIDC Core §12.2 wants the rest to stay the same.
    let misbehaviour = match grant_type {
        GrantType::AuthorizationCode => authorization.misbehaviour,
        GrantType::RefreshToken => Misbehaviour::None,
    };
    let wanted =
        authorization.scopes.contains("openid") && misbehaviour != Misbehaviour::MissingIdToken;
    let id_token = if wanted {
        let issuer = app.google_issuer();
        let claims = IdToken::new(&issuer, app.origin(), &authorization, &access_token, app.now());
        let claims = match grant_type {
            GrantType::AuthorizationCode => claims.twisted(misbehaviour),
            GrantType::RefreshToken => claims.without_nonce(),
        };
        let signed = keys::blocking(&app.keys, move |ring| {
            let key = match misbehaviour {
                Misbehaviour::RotatedKeys => ring.rotate()?,
                _ => ring.current()?,
            };
            jwt::sign(&key, &claims, misbehaviour)
        });
        Some(signed.await?)
    } else {
        None
    };
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
pub(super) fn error(refusal: &ExchangeError) -> Response {
    // Which of the bindings did not hold is in the provider's log, not in the answer.
    let (code, description) = match refusal {
        ExchangeError::InvalidRequest(why) => ("invalid_request", *why),
        ExchangeError::InvalidClient => {
            let answer = (
                StatusCode::UNAUTHORIZED,
                [(WWW_AUTHENTICATE, r#"Basic realm="google", charset="UTF-8""#)],
                Json(json!({ "error": "invalid_client" })),
            );
            return answer.into_response();
        }
        ExchangeError::UnsupportedGrantType => {
            ("unsupported_grant_type", "Only authorization_code and refresh_token are supported.")
        }
        ExchangeError::InvalidGrant(_) => (
            "invalid_grant",
            "The code is unknown, used, expired, or was issued for something else.",
        ),
        ExchangeError::NotRenewed(RenewalError::TooWide) => {
            ("invalid_scope", "A refresh can narrow what was granted, not widen it.")
        }
        // Google's words.
        ExchangeError::NotRenewed(_) => ("invalid_grant", "Token has been expired or revoked."),
        ExchangeError::InvalidTarget => {
            ("invalid_target", "resource is not what was consented to (RFC 8707).")
        }
        ExchangeError::NoRandomness => return server_error(),
    };
    let body = json!({ "error": code, "error_description": description });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn server_error() -> Response {
    let body = json!({ "error": "server_error" });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}
