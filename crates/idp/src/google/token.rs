//! The token endpoint, OIDC Core §3.1.3; the ID token, §2 and §3.1.3.6; and userinfo, §5.3.

use std::time::Duration;

use crate::keys::KeyError;
use crate::kit::{Digest, put};
use crate::prelude::*;
use crate::protocol::grants::Issued;

const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

pub async fn token(call: Call) -> Result<Json<Value>, Response> {
    let issued = call.issue_tokens(Provider::Google, error).await?;
    token_response(&call.app, issued).await.map(Json).map_err(|KeyError| server_error())
}

/// RFC 6749 §5.1 and OIDC Core §3.1.3.3.
async fn token_response(app: &App, issued: Issued) -> Result<Value, KeyError> {
    let Issued { authorization, access_token, refresh_token, grant_type } = issued;
    let mut response = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": Provider::Google.access_token_lifetime().as_secs(),
        "scope": authorization.scopes.joined(" "),
    });
    // Google reports the lifetime only if it is limited.
    let is_limited = refresh_token.is_some() && authorization.person.testing;
    let lifetime = is_limited.then(|| authorization.refresh_lifetime().as_secs());
    put(&mut response, "refresh_token_expires_in", lifetime);
    put(&mut response, "refresh_token", refresh_token);
    // ID token faults apply to sign-ins only. After a refresh, there is no nonce (OIDC Core §12.2).
    let (misbehaviour, nonce) = match grant_type {
        GrantType::AuthorizationCode => {
            (authorization.misbehaviour, authorization.nonce.as_deref())
        }
        GrantType::RefreshToken => (Misbehaviour::None, None),
    };
    if authorization.scopes.contains("openid") && misbehaviour != Misbehaviour::MissingIdToken {
        let claims = id_token(app, &authorization, &access_token, nonce, misbehaviour);
        let signed = app.keys.blocking(move |ring| {
            let key = match misbehaviour {
                Misbehaviour::RotatedKeys => ring.rotate()?,
                _ => ring.current()?,
            };
            key.sign(&claims, misbehaviour)
        });
        response["id_token"] = signed.await?.into();
    }
    Ok(response)
}

/// The claims of an ID token, with the requested fault.
fn id_token(
    app: &App,
    authorization: &Authorization,
    access_token: &str,
    nonce: Option<&str>,
    misbehaviour: Misbehaviour,
) -> Value {
    let (now, auth_time) = match misbehaviour {
        Misbehaviour::ExpiredIdToken => {
            let back = ID_TOKEN_LIFETIME * 2;
            (app.now().minus(back), authorization.auth_time.minus(back))
        }
        _ => (app.now(), authorization.auth_time),
    };
    let client_id = match misbehaviour {
        Misbehaviour::WrongAudience => "another-app",
        _ => &authorization.client.id,
    };
    let mut claims = json!({
        "iss": app.google_issuer(),
        "aud": client_id,
        "azp": client_id,
        "sub": authorization.person.google_sub,
        "iat": now,
        "exp": now.plus(ID_TOKEN_LIFETIME),
        "auth_time": auth_time,
        // OIDC Core §3.1.3.6: the left half of the SHA-256 of the access token.
        "at_hash": Digest::of(access_token).left_half(),
    });
    put(&mut claims, "nonce", nonce);
    put_profile(&mut claims, app, authorization);
    match misbehaviour {
        Misbehaviour::WrongNonce => claims["nonce"] = "the-nonce-of-another-sign-in".into(),
        Misbehaviour::WrongIssuer => claims["iss"] = "https://issuer.example.test".into(),
        _ => {}
    }
    claims
}

/// Adds the claims about the person whose scopes were granted, OIDC Core §5.4.
fn put_profile(claims: &mut Value, app: &App, authorization: &Authorization) {
    let Authorization { person, scopes, .. } = authorization;
    if let Some(email) = person.email_at(Provider::Google)
        && scopes.contains("email")
    {
        claims["email"] = email.address.as_str().into();
        claims["email_verified"] = email.verified.into();
    }
    if scopes.contains("profile") {
        claims["name"] = person.name.as_str().into();
        claims["picture"] = app.url(&person.avatar_path()).into();
    }
}

pub async fn userinfo(call: Call) -> Response {
    // RFC 6750 §3: no error code if there is no token.
    let refuse = |status, error| {
        let challenge = format!(r#"Bearer realm="google"{error}"#);
        (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
    };
    let authorization = match call.authorization(Provider::Google) {
        Ok(authorization) => authorization,
        Err(BearerError::Missing) => return refuse(StatusCode::UNAUTHORIZED, ""),
        Err(BearerError::Malformed) => {
            return refuse(StatusCode::BAD_REQUEST, r#", error="invalid_request""#);
        }
        Err(BearerError::Invalid) => {
            return refuse(StatusCode::UNAUTHORIZED, r#", error="invalid_token""#);
        }
    };
    if !authorization.scopes.contains("openid") {
        let error = r#", error="insufficient_scope", scope="openid""#;
        return refuse(StatusCode::FORBIDDEN, error);
    }
    let sub = match authorization.misbehaviour {
        Misbehaviour::OtherSub => "100000000000000000666",
        _ => &authorization.person.google_sub,
    };
    let mut claims = json!({ "sub": sub });
    put_profile(&mut claims, &call.app, &authorization);
    Json(claims).into_response()
}

/// RFC 6749 §5.2.
pub fn error(error: TokenError) -> Response {
    // The exact cause is in the log, not in the response.
    let (code, description) = match error {
        TokenError::InvalidRequest(why) => ("invalid_request", why),
        TokenError::InvalidClient => {
            let challenge =
                [(header::WWW_AUTHENTICATE, r#"Basic realm="google", charset="UTF-8""#)];
            let body = Json(json!({ "error": "invalid_client" }));
            return (StatusCode::UNAUTHORIZED, challenge, body).into_response();
        }
        TokenError::UnsupportedGrantType => {
            ("unsupported_grant_type", "Only authorization_code and refresh_token are supported.")
        }
        TokenError::InvalidGrant(_, GrantError::ScopeTooWide) => {
            ("invalid_scope", "A refresh cannot add scopes to the grant.")
        }
        TokenError::InvalidGrant(GrantType::AuthorizationCode, _) => (
            "invalid_grant",
            "The code is unknown, used or expired, or does not match the request.",
        ),
        // Google's wording.
        TokenError::InvalidGrant(GrantType::RefreshToken, _) => {
            ("invalid_grant", "Token has been expired or revoked.")
        }
        TokenError::InvalidTarget => {
            ("invalid_target", "The consent is not for this resource (RFC 8707).")
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
