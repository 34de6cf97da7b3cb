//! `POST /login/oauth/access_token`, as GitHub documents it under "Authorizing OAuth apps".

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::app::Shared;
use crate::protocol::grants::GrantError;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{GrantType, TokenError, token_endpoint};
use crate::provider::Provider;

pub async fn token(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Response, Response> {
    // GitHub answers with a form unless it is asked for JSON.
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let json = accepted.any(|value| value.contains("application/json"));
    let refuse = |refusal| error(json, &refusal);
    let exchanged = token_endpoint(&app, Provider::Github, &headers, params, refuse).await?;
    let scope = exchanged.authorization.scopes.joined(",");
    let pairs =
        [("access_token", &*exchanged.access_token), ("scope", &scope), ("token_type", "bearer")];
    Ok(answer(json, &pairs))
}

/// With status 200: whoever looks at the status alone does not notice.
fn error(json: bool, refusal: &TokenError) -> Response {
    let (error, description) = match refusal {
        TokenError::InvalidClient => (
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
        ),
        TokenError::InvalidGrant(GrantType::AuthorizationCode, why) => match why {
            GrantError::RedirectUriMismatch => (
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL for this application.",
            ),
            _ => ("bad_verification_code", "The code passed is incorrect or expired."),
        },
        TokenError::UnsupportedGrantType => {
            ("unsupported_grant_type", "The authorization grant type is not supported.")
        }
        TokenError::InvalidRequest(why) => ("invalid_request", *why),
        // Not in this dialect.
        TokenError::InvalidGrant(GrantType::RefreshToken, _) | TokenError::InvalidTarget => {
            ("invalid_request", "This grant is not supported.")
        }
        TokenError::NoRandomness => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    answer(json, &[("error", error), ("error_description", description)])
}

fn answer(json: bool, pairs: &[(&str, &str)]) -> Response {
    if json {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        return Json(pairs.collect::<Map<_, _>>()).into_response();
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    ([(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form).into_response()
}
