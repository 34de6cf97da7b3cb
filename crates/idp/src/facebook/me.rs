//! `GET /me`, the Graph API's User node.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::graph::GraphError;
use crate::{
    Provider,
    app::{App, Shared},
    digest::secrets_match,
    misbehave::Misbehaviour,
    protocol::{
        bearer::{Presented, presented},
        grants::Authorization,
        params::{Params, ParamsError},
    },
};

const DEFAULT_FIELDS: &str = "id,name";

pub(super) async fn me(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let answer =
        params.map_err(|error| GraphError::oauth(100, error.sentence())).and_then(|params| {
            let authorization = authorize(&app, &headers, &params)?;
            let fields = params.get("fields").unwrap_or(DEFAULT_FIELDS);
            user_node(&app, &authorization, fields)
        });
    match answer {
        Ok(node) => Json(node).into_response(),
        Err(error) => error.into_response(),
    }
}

pub(super) fn authorize(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Arc<Authorization>, GraphError> {
    if params.repeated().is_some() {
        return Err(GraphError::oauth(100, "A parameter came more than once."));
    }
    let token = match (presented(headers, &["bearer", "oauth"]), params.get("access_token")) {
        (Presented::Token(token), None) | (Presented::Nothing, Some(token)) => token,
        (Presented::Nothing, None) => {
            return Err(GraphError::oauth(
                2500,
                "An active access token must be used to query information about the current user.",
            ));
        }
        (Presented::Malformed, _) | (Presented::Token(_), Some(_)) => {
            return Err(GraphError::oauth(
                190,
                "Invalid OAuth access token - Cannot parse access token",
            ));
        }
    };
    let authorization = app.grants().access(app.now(), Provider::Facebook, token).ok_or(
        GraphError::oauth(190, "Error validating access token: it is unknown, expired or revoked."),
    )?;
    if let Some(proof) = params.get("appsecret_proof")
        && !secrets_match(proof, &appsecret_proof(token, &authorization.client.secret))
    {
        return Err(GraphError {
            kind: "GraphMethodException",
            ..GraphError::oauth(100, "Invalid appsecret_proof provided in the API argument")
        });
    }
    if authorization.misbehaviour == Misbehaviour::RateLimited {
        return Err(GraphError::oauth(4, "Application request limit reached"));
    }
    Ok(authorization)
}

/// Only the fields that were asked for, and of them only what may be told; the id always.
fn user_node(
    app: &App,
    authorization: &Authorization,
    fields: &str,
) -> Result<Map<String, Value>, GraphError> {
    let person = &authorization.person;
    let mut node = Map::new();
    node.insert("id".into(), person.facebook_id.clone().into());
    for field in fields.split(',').map(str::trim) {
        match field {
            "id" => {}
            "name" => {
                node.insert("name".into(), person.name.clone().into());
            }
            "email" => {
                // Absent, not null, when there is none or it was not granted.
                if let Some(email) = person.email_at(Provider::Facebook)
                    && authorization.scopes.contains("email")
                {
                    node.insert("email".into(), email.address.clone().into());
                }
            }
            "picture" => {
                let url = app.url(&person.avatar_path());
                let data = json!({ "height": 50, "is_silhouette": false, "url": url, "width": 50 });
                node.insert("picture".into(), json!({ "data": data }));
            }
            _ => {
                return Err(GraphError::oauth(
                    100,
                    "Tried accessing nonexisting field on node type (User)",
                ));
            }
        }
    }
    Ok(node)
}

/// "Securing Graph API requests": HMAC-SHA256 of the access token keyed by the app secret, in hex.
fn appsecret_proof(access_token: &str, app_secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    hmac::sign(&key, access_token.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.3 in Facebook's terms.
    #[test]
    fn the_proof_is_an_hmac_sha256_in_hex() {
        assert_eq!(
            appsecret_proof("what do ya want for nothing?", "Jefe"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
