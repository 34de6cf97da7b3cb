//! The tutorial's state and its view of a request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use axum::body::to_bytes;
use axum::extract::Request;
use http::request::Parts;
use serde_json::{Value, json};
use url::Url;

use crate::agent::Agent;
use crate::error::Result;
use crate::instance::LocalProvider;
use crate::sign_in::Credential;
use crate::token::{self, random};

pub(super) type App = Arc<AppState>;

#[derive(Debug)]
pub(super) struct AppState {
    pub(super) url: Url,
    pub(super) provider: LocalProvider,
    pub(super) agent: Agent,
    secret: hmac::Key,
    store: Mutex<Store>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    /// By e-mail address, the only thing that identifies a user.
    pub(super) users: BTreeMap<String, User>,
    pub(super) sessions: BTreeMap<String, User>,
    pub(super) contacts: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) verified: bool,
    pub(super) password: String,
}

impl AppState {
    pub(super) fn new(url: Url, provider: LocalProvider) -> Result<Self> {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, random()?.as_bytes());
        Ok(Self { url, provider, agent: Agent::new()?, secret, store: Mutex::default() })
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without `exp`, `aud` and `typ`: access and refresh tokens are the same.
    pub(super) fn jwt(&self, user: &User, scope: &str) -> Result<String> {
        let claims =
            json!({ "sub": user.email, "name": user.name, "scope": scope, "jti": random()? });
        let message = token::signing_input(&json!({ "alg": "HS256" }), &claims);
        let signature = hmac::sign(&self.secret, message.as_bytes());
        Ok(format!("{message}.{}", token::base64url(signature)))
    }

    /// Verifies a token by the algorithm in its own header, which may be `none`.
    pub(super) fn verify(&self, token: &str) -> Option<Value> {
        let (message, _) = token.rsplit_once('.')?;
        let signature = token::part(token, 2).ok()?;
        let is_valid = match token::header(token).ok()?["alg"].as_str()?.to_lowercase().as_str() {
            "none" => true,
            "hs256" => hmac::verify(&self.secret, message.as_bytes(), &signature).is_ok(),
            _ => false,
        };
        token::claims(token).ok().filter(|_| is_valid)
    }
}

#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) app: App,
    pub(super) parts: Parts,
    /// The body parsed as a form and as JSON, whatever its content type.
    form: Vec<(String, String)>,
    pub(super) json: Value,
}

impl Incoming {
    pub(super) async fn read(app: App, request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let form = url::form_urlencoded::parse(&body).into_owned().collect();
        Self { app, parts, form, json: serde_json::from_slice(&body).unwrap_or_default() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter with this name.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query()?.as_bytes();
        let found = url::form_urlencoded::parse(query).find(|(one, _)| one == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// The first form field with this name, or the member of the JSON.
    pub(super) fn field(&self, name: &str) -> &str {
        let field = self.form.iter().find(|(one, _)| one == name);
        let member = || self.json[name].as_str().unwrap_or_default();
        field.map_or_else(member, |(_, value)| value)
    }

    fn cookie(&self, credential: Credential) -> Option<&str> {
        let name = credential.cookie(&self.app.url);
        let pairs = self.header("cookie")?.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(one, _)| *one == name).map(|(_, value)| value)
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.cookie(Credential::Session)
    }

    /// The user of the session or of a token from anywhere. Neither the purpose of the token nor
    /// whether the account still exists is checked.
    pub(super) fn user(&self) -> Option<User> {
        let session = self.session().and_then(|id| self.app.store().sessions.get(id).cloned());
        session.or_else(|| {
            let bearer =
                self.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
            let in_url = self.query("access_token").or(self.query("token"));
            let token = bearer.or(in_url.as_deref()).or(self.cookie(Credential::Jwt))?;
            self.app.verify(token).map(|claims| user_from(&claims))
        })
    }
}

pub(super) fn user_from(claims: &Value) -> User {
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    User { email: text("sub"), name: text("name"), verified: true, ..User::default() }
}
