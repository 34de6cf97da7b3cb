//! The part of GitHub's REST API that tells who somebody is.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{RETRY_AFTER, USER_AGENT},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    Provider,
    app::{App, Shared},
    misbehave::Misbehaviour,
    protocol::{
        bearer::{Presented, presented},
        grants::Authorization,
    },
};

/// `GET /user`, "Get the authenticated user".
#[derive(Serialize)]
struct User {
    login: String,
    id: u64,
    avatar_url: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Null when the person has not made it public.
    name: Option<String>,
    /// Null when the person keeps it private; nothing says whether it is verified.
    email: Option<String>,
}

/// One entry of `GET /user/emails`, "List email addresses for the authenticated user".
#[derive(Serialize)]
struct EmailAddress {
    email: String,
    primary: bool,
    verified: bool,
    visibility: Option<&'static str>,
}

pub(super) async fn user(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let authorization = match authorize(&app, &headers) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal,
    };
    let (person, github) = (&authorization.person, &authorization.person.github);
    let email = person.email_at(Provider::Github).filter(|_| github.shows_email);
    let user = User {
        login: github.login.clone(),
        id: github.id,
        avatar_url: app.url(&person.avatar_path()),
        kind: "User",
        name: github.shows_name.then(|| person.name.clone()),
        email: email.map(|email| email.address.clone()),
    };
    with_scopes(&authorization, Json(user))
}

pub(super) async fn emails(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let authorization = match authorize(&app, &headers) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal,
    };
    // GitHub hides what one may not see: 404, not 403.
    if !authorization.scopes.contains("user:email") {
        return with_scopes(&authorization, not_found().await);
    }
    let person = &authorization.person;
    let addresses: Vec<EmailAddress> = person
        .email_at(Provider::Github)
        .into_iter()
        .map(|email| EmailAddress {
            email: email.address.clone(),
            primary: true,
            verified: email.verified,
            visibility: Some(match person.github.shows_email {
                true => "public",
                false => "private",
            }),
        })
        .collect();
    with_scopes(&authorization, Json(addresses))
}

pub(super) async fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "Not Found")
}

/// What the token stands for; or the answer for who may not ask.
// A response is large, and it is on its way out: a box would only move it.
#[allow(clippy::result_large_err)]
pub(super) fn authorize(app: &App, headers: &HeaderMap) -> Result<Arc<Authorization>, Response> {
    if headers.get(USER_AGENT).is_none_or(HeaderValue::is_empty) {
        let rule = "Request forbidden by administrative rules. Please make sure your request has \
                    a User-Agent header.";
        return Err((StatusCode::FORBIDDEN, rule).into_response());
    }
    let token = match presented(headers, &["bearer", "token"]) {
        Presented::Token(token) => token,
        Presented::Nothing => {
            return Err(refusal(StatusCode::UNAUTHORIZED, "Requires authentication"));
        }
        Presented::Malformed => return Err(bad_credentials()),
    };
    let authorization =
        app.grants().access(app.now(), Provider::Github, token).ok_or_else(bad_credentials)?;
    if authorization.misbehaviour == Misbehaviour::RateLimited {
        return Err(rate_limited());
    }
    Ok(authorization)
}

pub(super) fn unprocessable() -> Response {
    refusal(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed")
}

fn bad_credentials() -> Response {
    refusal(StatusCode::UNAUTHORIZED, "Bad credentials")
}

/// "Rate limits for the REST API": 403 or 429, and headers that say until when.
fn rate_limited() -> Response {
    let headers = [
        (RETRY_AFTER, "60"),
        (HeaderName::from_static("x-ratelimit-limit"), "5000"),
        (HeaderName::from_static("x-ratelimit-remaining"), "0"),
    ];
    let body = refusal(StatusCode::FORBIDDEN, "API rate limit exceeded for user.");
    (headers, body).into_response()
}

pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    let body = json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.as_str(),
    });
    (status, Json(body)).into_response()
}

/// Every answer names the scopes of the token, "Scopes for OAuth apps".
pub(super) fn with_scopes(authorization: &Authorization, answer: impl IntoResponse) -> Response {
    let name = HeaderName::from_static("x-oauth-scopes");
    ([(name, authorization.scopes.joined(", "))], answer).into_response()
}
