//! The ID token, OIDC Core §2 and §3.1.3.6, and userinfo, §5.3.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::{App, Shared};
use crate::kit::{Digest, Timestamp};
use crate::misbehave::Misbehaviour;
use crate::protocol::grants::Authorization;
use crate::protocol::token::{BearerError, authorize};
use crate::provider::Provider;

const LIFETIME: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug, Serialize)]
pub struct IdToken {
    iss: String,
    aud: String,
    azp: String,
    sub: String,
    iat: Timestamp,
    exp: Timestamp,
    auth_time: Timestamp,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(flatten)]
    profile: Profile,
}

/// The claims about the person, only those whose scope was granted: OIDC Core §5.4.
#[derive(Clone, Debug, Serialize)]
struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

impl Profile {
    fn of(app: &App, Authorization { person, scopes, .. }: &Authorization) -> Self {
        let email = person.email_at(Provider::Google).filter(|_| scopes.contains("email"));
        let profile = scopes.contains("profile");
        Self {
            email: email.map(|email| email.address.clone()),
            email_verified: email.map(|email| email.verified),
            name: profile.then(|| person.name.clone()),
            picture: profile.then(|| app.url(&person.avatar_path())),
        }
    }
}

impl IdToken {
    pub fn new(app: &App, authorization: &Authorization, access_token: &str) -> Self {
        let client_id = &authorization.client.id;
        let now = app.now();
        Self {
            iss: app.google_issuer(),
            aud: client_id.clone(),
            azp: client_id.clone(),
            sub: authorization.person.google_sub.clone(),
            iat: now,
            exp: now.plus(LIFETIME),
            auth_time: authorization.auth_time,
            // OIDC Core §3.1.3.6: the left half of the SHA-256 of the access token.
            at_hash: Digest::of(access_token).half(),
            nonce: authorization.nonce.clone(),
            profile: Profile::of(app, authorization),
        }
    }

    /// OIDC Core §12.2: an ID token that comes with a refresh should have no nonce.
    pub fn without_nonce(self) -> Self {
        Self { nonce: None, ..self }
    }

    /// Makes the claims as wrong as the person asked for.
    pub fn twisted(mut self, misbehaviour: Misbehaviour) -> Self {
        match misbehaviour {
            Misbehaviour::WrongNonce => self.nonce = Some("the-nonce-of-another-sign-in".into()),
            Misbehaviour::WrongIssuer => self.iss = "https://issuer.example.test".into(),
            Misbehaviour::WrongAudience => {
                self.aud = "another-app".into();
                self.azp = self.aud.clone();
            }
            Misbehaviour::ExpiredIdToken => {
                let back = LIFETIME * 2;
                self.iat = self.iat.minus(back);
                self.auth_time = self.auth_time.minus(back);
                self.exp = self.exp.minus(back);
            }
            _ => {}
        }
        self
    }
}

#[derive(Serialize)]
struct Userinfo {
    sub: String,
    #[serde(flatten)]
    profile: Profile,
}

pub async fn userinfo(State(app): State<Shared>, headers: HeaderMap) -> Response {
    // RFC 6750 §3: no error code when there was no token; the missing scope by its name.
    let refuse = |status, error| {
        let challenge = format!(r#"Bearer realm="google"{error}"#);
        (status, [(WWW_AUTHENTICATE, challenge)]).into_response()
    };
    let authorization = match authorize(&app, Provider::Google, &headers, None) {
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
        Misbehaviour::OtherSub => "100000000000000000666".to_owned(),
        _ => authorization.person.google_sub.clone(),
    };
    Json(Userinfo { sub, profile: Profile::of(&app, &authorization) }).into_response()
}
