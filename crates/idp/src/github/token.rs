//! `POST /login/oauth/access_token`, as GitHub documents it under "Authorizing OAuth apps".

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{
    Provider,
    app::Shared,
    faults,
    protocol::{
        exchange::{ExchangeError, exchange},
        grants::RedeemError,
        params::{Params, ParamsError},
    },
};

pub(super) async fn token(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let json = wants_json(&headers);
    let exchanged = match exchange(&app, Provider::Github, &headers, params) {
        Ok(exchanged) => exchanged,
        Err(ExchangeError::NoRandomness) => {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        // With status 200: whoever looks at the status alone is in for a surprise.
        Err(refusal) => {
            let (error, description) = complaint(&refusal);
            return answer(json, &[("error", error), ("error_description", description)]);
        }
    };
    if let Some(fault) = faults::token_endpoint(exchanged.authorization.misbehaviour).await {
        return fault;
    }
    answer(
        json,
        &[
            ("access_token", &exchanged.access_token),
            ("scope", &exchanged.authorization.scopes.joined(",")),
            ("token_type", "bearer"),
        ],
    )
}

fn complaint(refusal: &ExchangeError) -> (&'static str, &'static str) {
    match refusal {
        ExchangeError::InvalidClient => (
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
        ),
        ExchangeError::InvalidGrant(RedeemError::RedirectUriMismatch) => (
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
        ExchangeError::InvalidGrant(_) => {
            ("bad_verification_code", "The code passed is incorrect or expired.")
        }
        ExchangeError::UnsupportedGrantType => {
            ("unsupported_grant_type", "The authorization grant type is not supported.")
        }
        ExchangeError::InvalidRequest(why) => ("invalid_request", why),
        // Neither is spoken in this dialect.
        ExchangeError::NotRenewed(_) | ExchangeError::InvalidTarget => {
            ("invalid_request", "This grant is not supported.")
        }
        ExchangeError::NoRandomness => ("server_error", "No randomness."),
    }
}

/// GitHub answers with a form unless it is asked for JSON.
fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/json"))
}

fn answer(json: bool, pairs: &[(&str, &str)]) -> Response {
    if json {
        let object: Map<String, Value> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        return Json(object).into_response();
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    ([(CONTENT_TYPE, form_type)], form).into_response()
}
