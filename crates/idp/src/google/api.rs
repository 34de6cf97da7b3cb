//! Google's APIs: who may call them, and how they say no.

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    Provider,
    app::App,
    protocol::{
        bearer::{Presented, presented},
        grants::Authorization,
        params::Params,
    },
};

/// A method of an API and the scope that it wants.
pub(super) struct Method {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) scope: &'static str,
}

/// Errors as `google.rpc.Status` tells them: AIP-193.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// No token, or none that is good here.
    Unauthenticated,
    /// `ACCESS_TOKEN_SCOPE_INSUFFICIENT`.
    InsufficientScope {
        service: &'static str,
        method: &'static str,
        scope: &'static str,
    },
    InvalidArgument(&'static str),
    NotFound,
}

pub(super) fn authorize(
    app: &App,
    headers: &HeaderMap,
    method: &Method,
) -> Result<Arc<Authorization>, ApiError> {
    let Presented::Token(token) = presented(headers, &["bearer"]) else {
        return Err(ApiError::Unauthenticated);
    };
    let authorization =
        app.grants().access(app.now(), Provider::Google, token).ok_or(ApiError::Unauthenticated)?;
    if authorization.scopes.contains(method.scope) {
        Ok(authorization)
    } else {
        let Method { service, name, scope } = *method;
        Err(ApiError::InsufficientScope { service, method: name, scope })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        const REALM: &str = r#"Bearer realm="https://accounts.google.com/""#;
        let (status, word, message, challenge) = match &self {
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, \
                 login cookie or other valid authentication credential.",
                Some(format!(r#"{REALM}, error="invalid_token""#)),
            ),
            Self::InsufficientScope { scope, .. } => (
                StatusCode::FORBIDDEN,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                Some(format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#)),
            ),
            Self::InvalidArgument(why) => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", *why, None),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", "Not Found", None),
        };
        let mut error = json!({ "code": status.as_u16(), "message": message, "status": word });
        if let Self::InsufficientScope { service, method, .. } = self {
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
                "metadata": { "service": service, "method": method },
            }]);
        }
        let mut answer = (status, Json(json!({ "error": error }))).into_response();
        if let Some(challenge) = challenge.and_then(|challenge| challenge.try_into().ok()) {
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// One page of a list: which entries, and the token that asks for the next ones.
pub(super) struct Page {
    start: usize,
    length: usize,
}

impl Page {
    /// Reads `pageToken` and the parameter that says how many entries fit: AIP-158.
    pub(super) fn read(
        params: &Params,
        size: &str,
        usual: usize,
        most: usize,
    ) -> Result<Self, ApiError> {
        let length = match params.get(size).map(str::parse::<usize>) {
            None => usual,
            Some(Ok(length @ 1..)) => length.min(most),
            Some(_) => return Err(ApiError::InvalidArgument("Invalid page size.")),
        };
        let start = match params.get("pageToken") {
            None => 0,
            Some(token) => {
                page_start(token).ok_or(ApiError::InvalidArgument("Invalid page token."))?
            }
        };
        Ok(Self { start, length })
    }

    pub(super) fn of<'a, T>(&self, all: &'a [T]) -> (&'a [T], Option<String>) {
        let start = self.start.min(all.len());
        let end = start.saturating_add(self.length).min(all.len());
        let next = (end < all.len()).then(|| URL_SAFE_NO_PAD.encode(end.to_string()));
        (all.get(start..end).unwrap_or_default(), next)
    }
}

fn page_start(token: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}

/// Adds a member, unless there is nothing to say.
pub(super) fn put(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[name] = value.into();
    }
}
