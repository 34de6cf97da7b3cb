//! The part of GitHub's REST API that is played here: the user, their repositories, the grant.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::{LINK, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::{App, Shared};
use crate::misbehave::{Misbehaviour, told_to_fail};
use crate::people::Person;
use crate::protocol::credentials::client_credentials;
use crate::protocol::grants::Authorization;
use crate::protocol::params::{Params, ParamsError};
use crate::protocol::token::{self, BearerError};
use crate::provider::Provider;
use crate::resources::{Repository, instant, repositories};

#[derive(Serialize)]
struct User<'a> {
    login: &'a str,
    id: u64,
    avatar_url: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: Option<&'a str>,
    /// Null when the person keeps it private; nothing says whether it is verified.
    email: Option<&'a str>,
}

pub async fn user(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Response> {
    let authorization = authorize(&app, &headers)?;
    let (person, github) = (&authorization.person, &authorization.person.github);
    let email = person.email_at(Provider::Github).filter(|_| github.shows_email);
    let user = User {
        login: &github.login,
        id: github.id,
        avatar_url: app.url(&person.avatar_path()),
        kind: "User",
        name: github.shows_name.then_some(&person.name),
        email: email.map(|email| email.address.as_str()),
    };
    Ok(with_scopes(&authorization, Json(user)))
}

/// "List email addresses for the authenticated user".
pub async fn emails(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Response> {
    let authorization = authorize(&app, &headers)?;
    // GitHub hides what a token may not see: 404, not 403.
    if !authorization.scopes.contains("user:email") {
        return Ok(with_scopes(&authorization, not_found().await));
    }
    let person = &authorization.person;
    let visibility = if person.github.shows_email { "public" } else { "private" };
    let email = person.email_at(Provider::Github).map(|email| {
        json!({
            "email": email.address,
            "primary": true,
            "verified": email.verified,
            "visibility": visibility,
        })
    });
    Ok(with_scopes(&authorization, Json(Vec::from_iter(email))))
}

pub async fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "Not Found")
}

#[expect(clippy::result_large_err, reason = "a response on its way out: a box would only move it")]
fn authorize(app: &App, headers: &HeaderMap) -> Result<Arc<Authorization>, Response> {
    if headers.get(USER_AGENT).is_none_or(HeaderValue::is_empty) {
        let rule = "Request forbidden by administrative rules. Please make sure your request has \
                    a User-Agent header.";
        return Err((StatusCode::FORBIDDEN, rule).into_response());
    }
    let authorization = token::authorize(app, Provider::Github, headers, None);
    let authorization = authorization.map_err(|error| {
        let message = match error {
            BearerError::Missing => "Requires authentication",
            BearerError::Malformed | BearerError::Invalid => "Bad credentials",
        };
        refusal(StatusCode::UNAUTHORIZED, message)
    })?;
    match authorization.misbehaviour {
        Misbehaviour::RateLimited => Err(rate_limited()),
        _ => Ok(authorization),
    }
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

fn refusal(status: StatusCode, message: &str) -> Response {
    let body = json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.as_str(),
    });
    (status, Json(body)).into_response()
}

/// Every answer names the scopes of the token, "Scopes for OAuth apps".
fn with_scopes(authorization: &Authorization, answer: impl IntoResponse) -> Response {
    let name = HeaderName::from_static("x-oauth-scopes");
    ([(name, authorization.scopes.joined(", "))], answer).into_response()
}

/// `GET /user/repos`, "List repositories for the authenticated user".
pub async fn repos(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Response, Response> {
    let authorization = authorize(&app, &headers)?;
    let Some(query) = params.ok().as_ref().and_then(RepositoryQuery::read) else {
        let invalid = refusal(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
        return Ok(with_scopes(&authorization, invalid));
    };
    let person = &authorization.person;
    let sees_private = authorization.scopes.contains("repo");
    let mut found = repositories(person, app.now());
    found.retain(|one| (sees_private || !one.private) && query.wants(one));

    let start = (query.page - 1).saturating_mul(query.per_page).min(found.len());
    let end = start.saturating_add(query.per_page).min(found.len());
    let shown = found.get(start..end).unwrap_or_default();
    let body: Vec<Value> = shown.iter().map(|one| repository(&app, person, one)).collect();
    let mut answer = with_scopes(&authorization, Json(body));
    if end < found.len()
        && let Ok(link) = HeaderValue::try_from(query.next(&app))
    {
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}

/// What of the query is understood; the rest only orders.
struct RepositoryQuery {
    page: usize,
    per_page: usize,
    visibility: String,
}

impl RepositoryQuery {
    fn read(params: &Params) -> Option<Self> {
        let number = |name, usual: usize| match params.get(name) {
            None => Some(usual),
            Some(value) => value.parse().ok().filter(|number| *number > 0),
        };
        let visibility = params.get("visibility").unwrap_or("all");
        Some(Self {
            page: number("page", 1)?,
            per_page: number("per_page", 30)?.min(100),
            visibility: Some(visibility)
                .filter(|one| ["all", "public", "private"].contains(one))?
                .to_owned(),
        })
    }

    fn wants(&self, repository: &Repository) -> bool {
        self.visibility == "all" || (self.visibility == "private") == repository.private
    }

    /// RFC 8288, as GitHub pages its lists.
    fn next(&self, app: &App) -> String {
        let Self { page, per_page, visibility } = self;
        let (page, url) = (page.saturating_add(1), app.url("/github/api/user/repos"));
        format!(r#"<{url}?visibility={visibility}&per_page={per_page}&page={page}>; rel="next""#)
    }
}

fn repository(app: &App, person: &Person, one: &Repository) -> Value {
    let login = &person.github.login;
    let full_name = format!("{login}/{}", one.name);
    json!({
        "id": one.id,
        "node_id": one.node_id,
        "name": one.name,
        "full_name": full_name,
        "private": one.private,
        "owner": {
            "login": login,
            "id": person.github.id,
            "avatar_url": app.url(&person.avatar_path()),
            "type": "User",
        },
        "html_url": app.url(&format!("/github/{full_name}")),
        "description": one.description,
        "fork": false,
        "url": app.url(&format!("/github/api/repos/{full_name}")),
        "default_branch": "main",
        "language": one.language,
        "stargazers_count": one.stars,
        "archived": false,
        "visibility": if one.private { "private" } else { "public" },
        "created_at": instant(one.created_at),
        "updated_at": instant(one.pushed_at),
        "pushed_at": instant(one.pushed_at),
    })
}

#[derive(Deserialize)]
pub struct DeleteGrant {
    access_token: String,
}

/// `DELETE /applications/{client_id}/grant`, "Delete an app authorization": with every token of it.
pub async fn delete_grant(
    State(app): State<Shared>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<DeleteGrant>, JsonRejection>,
) -> Response {
    let client = client_credentials(&headers, &Params::default())
        .ok()
        .filter(|credentials| credentials.id == client_id)
        .and_then(|own| app.clients.authenticate(Provider::Github, &own.id, &own.secret));
    let Some(client) = client else {
        return refusal(StatusCode::UNAUTHORIZED, "Requires authentication");
    };
    let Ok(Json(DeleteGrant { access_token })) = body else {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
    };
    let revoked = {
        let mut grants = app.grants();
        let found = grants.find(app.now(), Provider::Github, &access_token);
        found
            .filter(|found| found.authorization.client.id == client.id)
            .map(|found| grants.revoke(&found.authorization))
    };
    match revoked {
        Some(true) => {
            tracing::info!(client = client.id, "grant deleted");
            StatusCode::NO_CONTENT.into_response()
        }
        Some(false) => told_to_fail(),
        None => not_found().await,
    }
}
