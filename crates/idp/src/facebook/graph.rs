//! The Graph API: its errors, the User node, and its permissions.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Json;
use axum::extract::State;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::app::{App, Shared};
use crate::kit::{random_token, secrets_match};
use crate::misbehave::{Misbehaviour, told_to_fail};
use crate::protocol::grants::Authorization;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{self, BearerError, presented};
use crate::provider::Provider;

/// "Handling errors". The status is always 400 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphError {
    pub message: &'static str,
    pub kind: &'static str,
    pub code: u16,
    pub subcode: Option<u32>,
}

impl GraphError {
    /// Anything about OAuth: 190 is a bad access token.
    pub const fn oauth(code: u16, message: &'static str) -> Self {
        Self { message, kind: "OAuthException", code, subcode: None }
    }
}

impl From<ParamsError> for GraphError {
    fn from(error: ParamsError) -> Self {
        Self::oauth(100, error.sentence())
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "code": self.code,
            // Names this one answer in Facebook's support forms; here it is used for nothing.
            "fbtrace_id": random_token().unwrap_or_default(),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        let kind = if self.code == 190 { "invalid_token" } else { "invalid_request" };
        let challenge = format!(r#"OAuth "Facebook Platform" "{kind}" "{}""#, self.message);
        let body = Json(json!({ "error": error }));
        (StatusCode::BAD_REQUEST, [(WWW_AUTHENTICATE, challenge)], body).into_response()
    }
}

/// `GET /me`
pub async fn me(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Json<Map<String, Value>>, GraphError> {
    let params = params?;
    let authorization = authorize(&app, &headers, &params)?;
    user_node(&app, &authorization, params.get("fields").unwrap_or("id,name")).map(Json)
}

fn authorize(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Arc<Authorization>, GraphError> {
    if params.repeated().is_some() {
        return Err(GraphError::oauth(100, "A parameter came more than once."));
    }
    let in_query = params.get("access_token");
    let authorization = token::authorize(app, Provider::Facebook, headers, in_query);
    let authorization = authorization.map_err(|error| match error {
        BearerError::Missing => GraphError::oauth(
            2500,
            "An active access token must be used to query information about the current user.",
        ),
        BearerError::Malformed => {
            GraphError::oauth(190, "Invalid OAuth access token - Cannot parse access token")
        }
        BearerError::Invalid => GraphError::oauth(
            190,
            "Error validating access token: it is unknown, expired or revoked.",
        ),
    })?;
    if let Some(proof) = params.get("appsecret_proof") {
        let token = presented(Provider::Facebook, headers, in_query).unwrap_or_default();
        if !secrets_match(proof, &appsecret_proof(token, &authorization.client.secret)) {
            let why = "Invalid appsecret_proof provided in the API argument";
            return Err(GraphError { kind: "GraphMethodException", ..GraphError::oauth(100, why) });
        }
    }
    match authorization.misbehaviour {
        Misbehaviour::RateLimited => Err(GraphError::oauth(4, "Application request limit reached")),
        _ => Ok(authorization),
    }
}

/// Only the fields that were asked for, and of them only what was granted; the id always.
fn user_node(
    app: &App,
    authorization: &Authorization,
    fields: &str,
) -> Result<Map<String, Value>, GraphError> {
    let person = &authorization.person;
    let mut node = Map::new();
    node.insert("id".into(), person.facebook_id.clone().into());
    for field in fields.split(',').map(str::trim) {
        let value = match field {
            "id" => continue,
            "name" => person.name.clone().into(),
            // Absent, not null, when there is none or it was not granted.
            "email" => match person.email_at(Provider::Facebook) {
                Some(email) if authorization.scopes.contains("email") => {
                    email.address.clone().into()
                }
                _ => continue,
            },
            "picture" => {
                let url = app.url(&person.avatar_path());
                json!({ "data": {
                    "height": 50, "is_silhouette": false, "url": url, "width": 50,
                }})
            }
            _ => {
                let why = "Tried accessing nonexisting field on node type (User)";
                return Err(GraphError::oauth(100, why));
            }
        };
        node.insert(field.to_owned(), value);
    }
    Ok(node)
}

/// "Securing Graph API requests": HMAC-SHA256 of the access token keyed by the app secret, in hex.
fn appsecret_proof(access_token: &str, app_secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    let tag = hmac::sign(&key, access_token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `DELETE /me/permissions`, "Revoking permissions and de-authorizing apps": with every token.
pub async fn delete_permissions(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Response, GraphError> {
    let authorization = authorize(&app, &headers, &params?)?;
    if !app.grants().revoke(&authorization) {
        return Ok(told_to_fail());
    }
    tracing::info!(client = authorization.client.id, "permissions deleted");
    Ok(Json(json!({ "success": true })).into_response())
}
