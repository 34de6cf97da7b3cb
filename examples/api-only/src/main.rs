//! A JSON API that accepts Latchkey's JWTs (RFC 9068). It shares nothing with their issuer: it
//! fetches the public keys and makes no call per token.
//!
//! `cargo run -p api-only -- http://localhost:3000 http://localhost:3000/api 127.0.0.1:3003`
//!
//! A token works until it expires, even if the issuer has ended its sign-in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::request::Parts;
use http::{StatusCode, header};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Tokens with invented key IDs must not cause more frequent requests.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, audience, address] = arguments.as_slice() else {
        return Err("usage: api-only ISSUER AUDIENCE ADDRESS".into());
    };
    #[expect(clippy::disallowed_methods, reason = "not Latchkey's client; it has its own timeout")]
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let issuer =
        Issuer { url: issuer.clone(), audience: audience.clone(), http, keys: Mutex::default() };
    let app = Router::new().route("/hello", get(hello)).with_state(Arc::new(issuer));
    Ok(axum::serve(TcpListener::bind(address).await?, app).await?)
}

async fn hello(claims: Claims) -> Result<Json<Value>, TokenError> {
    claims.require_scope("profile")?;
    Ok(Json(json!({ "sub": claims.sub, "scope": claims.scope })))
}

struct Issuer {
    url: String,
    audience: String,
    http: reqwest::Client,
    keys: Mutex<Option<(Instant, JwkSet)>>,
}

impl Issuer {
    async fn verify(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        // RFC 9068 §4: an ID token is not an access token.
        if header.typ.as_deref() != Some("at+jwt") {
            return None;
        }
        let key = self.key(&header.kid?).await?;
        // The key determines the algorithm, never the token (RFC 8725 §3.1).
        let algorithm: Algorithm = key.common.key_algorithm?.to_string().parse().ok()?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.url]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        let key = DecodingKey::from_jwk(&key).ok()?;
        Some(decode::<Claims>(token, &key, &validation).ok()?.claims)
    }

    /// The key with this ID. An unknown ID causes a fetch.
    async fn key(&self, kid: &str) -> Option<Jwk> {
        let mut keys = self.keys.lock().await;
        let known = keys.as_ref().and_then(|(_, keys)| keys.find(kid).cloned());
        let is_recent = keys.as_ref().is_some_and(|(at, _)| at.elapsed() < MIN_FETCH_INTERVAL);
        if known.is_some() || is_recent {
            return known;
        }
        let url = format!("{}/.well-known/jwks.json", self.url);
        let fetched: JwkSet = self.http.get(url).send().await.ok()?.json().await.ok()?;
        let found = fetched.find(kid).cloned();
        *keys = Some((Instant::now(), fetched));
        found
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
}

impl Claims {
    fn require_scope(&self, scope: &str) -> Result<(), TokenError> {
        let is_granted = self.scope.split(' ').any(|granted| granted == scope);
        if is_granted { Ok(()) } else { Err(TokenError::InsufficientScope) }
    }
}

impl FromRequestParts<Arc<Issuer>> for Claims {
    type Rejection = TokenError;

    async fn from_request_parts(
        parts: &mut Parts,
        issuer: &Arc<Issuer>,
    ) -> Result<Self, Self::Rejection> {
        let value = parts.headers.get(header::AUTHORIZATION).ok_or(TokenError::NoToken)?;
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        issuer.verify(token.unwrap_or_default()).await.ok_or(TokenError::InvalidToken)
    }
}

/// RFC 6750 §3.
enum TokenError {
    NoToken,
    InvalidToken,
    InsufficientScope,
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (status, challenge) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, "Bearer"),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\""),
            Self::InsufficientScope => {
                (StatusCode::FORBIDDEN, "Bearer error=\"insufficient_scope\", scope=\"profile\"")
            }
        };
        (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
    }
}
