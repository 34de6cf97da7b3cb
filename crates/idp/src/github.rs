//! GitHub's dialect: OAuth 2.0 with status 200 for errors and tokens that do not expire, and parts
//! of the REST API: the user, repositories, and deleting a grant.

use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use url::form_urlencoded;

use crate::people::Person;
use crate::prelude::*;
use crate::resources::{Repository, days_before, repositories};

/// All routes except the consent page.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route(Provider::Github.token_path(), post(access_token))
        .route(Provider::Github.userinfo_path(), get(user))
        .route("/github/api/user/emails", get(emails))
        .route("/github/api/user/repos", get(repos))
        .route("/github/api/applications/{client_id}/grant", delete(delete_grant))
        .route("/github/api/{*path}", any(not_found))
}

/// `POST /login/oauth/access_token`, "Authorizing OAuth apps".
async fn access_token(call: Call) -> Result<Response, Response> {
    // GitHub responds with a form unless the client accepts JSON.
    let mut accepted =
        call.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let json = accepted.any(|value| value.contains("application/json"));
    let issued = call.issue_tokens(Provider::Github, |error| error_response(json, &error)).await?;
    let scope = issued.authorization.scopes.joined(",");
    let token = &*issued.access_token;
    Ok(token_response(
        json,
        &[("access_token", token), ("scope", &scope), ("token_type", "bearer")],
    ))
}

/// GitHub reports errors with status 200.
fn error_response(json: bool, error: &TokenError) -> Response {
    let (code, description) = match error {
        TokenError::InvalidClient => (
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
        ),
        // This dialect does not have these.
        TokenError::InvalidGrant(GrantType::RefreshToken, _) | TokenError::InvalidTarget => {
            ("invalid_request", "This grant is not supported.")
        }
        TokenError::InvalidGrant(_, GrantError::RedirectUriMismatch) => (
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
        TokenError::InvalidGrant(..) => {
            ("bad_verification_code", "The code passed is incorrect or expired.")
        }
        TokenError::UnsupportedGrantType => {
            ("unsupported_grant_type", "The authorization grant type is not supported.")
        }
        TokenError::InvalidRequest(why) => ("invalid_request", *why),
        TokenError::NoRandomness => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    token_response(json, &[("error", code), ("error_description", description)])
}

fn token_response(json: bool, pairs: &[(&str, &str)]) -> Response {
    if json {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        return Json(pairs.collect::<Map<_, _>>()).into_response();
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form)
        .into_response()
}

async fn user(call: Call) -> Result<Response, Response> {
    let authorization = authorize(&call)?;
    let (person, github) = (&authorization.person, &authorization.person.github);
    let email = person.email_at(Provider::Github).filter(|_| github.shows_email);
    let user = json!({
        "login": github.login,
        "id": github.id,
        "avatar_url": call.app.url(&person.avatar_path()),
        "type": "User",
        "name": github.shows_name.then_some(&person.name),
        // Null if private. The response does not say whether it is verified.
        "email": email.map(|email| &email.address),
    });
    Ok(with_scopes(&authorization, Json(user)))
}

/// "List email addresses for the authenticated user".
async fn emails(call: Call) -> Result<Response, Response> {
    let authorization = authorize(&call)?;
    // GitHub returns 404, not 403, without the scope.
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

async fn not_found() -> Response {
    error_message(StatusCode::NOT_FOUND, "Not Found")
}

#[expect(clippy::result_large_err, reason = "the error is an HTTP response")]
fn authorize(call: &Call) -> Result<Arc<Authorization>, Response> {
    if call.headers.get(header::USER_AGENT).is_none_or(HeaderValue::is_empty) {
        let rule = "Request forbidden by administrative rules. Please make sure your request has \
                    a User-Agent header.";
        return Err((StatusCode::FORBIDDEN, rule).into_response());
    }
    let authorization = call.authorization(Provider::Github).map_err(|error| {
        let message = match error {
            BearerError::Missing => "Requires authentication",
            BearerError::Malformed | BearerError::Invalid => "Bad credentials",
        };
        error_message(StatusCode::UNAUTHORIZED, message)
    })?;
    match authorization.misbehaviour {
        Misbehaviour::RateLimited => Err(rate_limited()),
        _ => Ok(authorization),
    }
}

/// "Rate limits for the REST API".
fn rate_limited() -> Response {
    let headers = [
        (header::RETRY_AFTER, "60"),
        (HeaderName::from_static("x-ratelimit-limit"), "5000"),
        (HeaderName::from_static("x-ratelimit-remaining"), "0"),
    ];
    let body = error_message(StatusCode::FORBIDDEN, "API rate limit exceeded for user.");
    (headers, body).into_response()
}

fn error_message(status: StatusCode, message: &str) -> Response {
    let body = json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.as_str(),
    });
    (status, Json(body)).into_response()
}

/// Every response names the scopes of the token, "Scopes for OAuth apps".
fn with_scopes(authorization: &Authorization, response: impl IntoResponse) -> Response {
    let name = HeaderName::from_static("x-oauth-scopes");
    ([(name, authorization.scopes.joined(", "))], response).into_response()
}

/// `GET /user/repos`, "List repositories for the authenticated user".
async fn repos(call: Call) -> Result<Response, Response> {
    let (authorization, app) = (authorize(&call)?, &call.app);
    let Some(query) = call.params.as_ref().ok().and_then(RepositoryQuery::read) else {
        let invalid = error_message(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
        return Ok(with_scopes(&authorization, invalid));
    };
    let person = &authorization.person;
    let sees_private = authorization.scopes.contains("repo");
    let mut all = repositories(person);
    all.retain(|one| (sees_private || !one.private) && query.matches(one));

    let start = (query.page - 1).saturating_mul(query.per_page).min(all.len());
    let end = start.saturating_add(query.per_page).min(all.len());
    let page = all.get(start..end).unwrap_or_default();
    let body: Vec<Value> = page.iter().map(|one| repository(app, person, one)).collect();
    let mut response = with_scopes(&authorization, Json(body));
    if end < all.len()
        && let Ok(link) = HeaderValue::try_from(query.next_link(app))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The supported query parameters.
struct RepositoryQuery<'a> {
    page: usize,
    per_page: usize,
    visibility: &'a str,
}

impl<'a> RepositoryQuery<'a> {
    fn read(params: &'a Params) -> Option<Self> {
        let number = |name, default: usize| match params.get(name) {
            None => Some(default),
            Some(value) => value.parse().ok().filter(|number| *number > 0),
        };
        let visibility = params.get("visibility").unwrap_or("all");
        let known = ["all", "public", "private"].contains(&visibility);
        let (page, per_page) = (number("page", 1)?, number("per_page", 30)?.min(100));
        known.then_some(Self { page, per_page, visibility })
    }

    fn matches(&self, repository: &Repository) -> bool {
        self.visibility == "all" || (self.visibility == "private") == repository.private
    }

    /// The link to the next page, RFC 8288.
    fn next_link(&self, app: &App) -> String {
        let Self { page, per_page, visibility } = self;
        let (page, url) = (page.saturating_add(1), app.url("/github/api/user/repos"));
        format!(r#"<{url}?visibility={visibility}&per_page={per_page}&page={page}>; rel="next""#)
    }
}

fn repository(app: &App, person: &Person, one: &Repository) -> Value {
    let login = &person.github.login;
    let full_name = format!("{login}/{}", one.name);
    let number = |purpose| one.number(person, purpose);
    let pushed_at = days_before(app.now(), number("pushed") % 60);
    json!({
        "id": number("repository"),
        "node_id": one.node_id(person),
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
        "stargazers_count": if one.private { 0 } else { number("stars") % 240 },
        "archived": false,
        "visibility": if one.private { "private" } else { "public" },
        "created_at": days_before(app.now(), 400 + number("created") % 900),
        "updated_at": pushed_at,
        "pushed_at": pushed_at,
    })
}

#[derive(Deserialize)]
struct DeleteGrant {
    access_token: String,
}

/// `DELETE /applications/{client_id}/grant`, "Delete an app authorization".
async fn delete_grant(
    State(app): State<Shared>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<DeleteGrant>, JsonRejection>,
) -> Response {
    let client = client_credentials(&headers, &Params::default())
        .ok()
        .flatten()
        .filter(|credentials| credentials.id == client_id)
        .and_then(|one| app.clients.authenticate(Provider::Github, &one.id, &one.secret));
    let Some(client) = client else {
        return error_message(StatusCode::UNAUTHORIZED, "Requires authentication");
    };
    let Ok(Json(DeleteGrant { access_token })) = body else {
        return error_message(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
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
        Some(false) => simulated_failure(),
        None => not_found().await,
    }
}
