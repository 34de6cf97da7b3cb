//! GitHub's dialect: OAuth 2.0 without OpenID Connect.

use ::http::{Response, StatusCode, header};
use latchkey_domain::{DisplayName, Email, Profile};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::dialect::{Endpoints, join_path, json_response};
use super::error::{Error, Step, json as parse};
use crate::http::Outbound;

pub(crate) fn endpoints(web: &Url) -> Endpoints {
    Endpoints {
        authorization: join_path(web, "login/oauth/authorize"),
        token: join_path(web, "login/oauth/access_token"),
        secret_in_body: true,
    }
}

/// Translates GitHub's responses into those of RFC 6749: errors have status 200, and without
/// `Accept: application/json` the body is a form.
pub(crate) fn normalize_token_response(response: Response<Vec<u8>>) -> Response<Vec<u8>> {
    let is_form = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = if is_form {
        let pairs = url::form_urlencoded::parse(response.body());
        Some(pairs.map(|(name, value)| (name.into_owned(), Value::from(value))).collect())
    } else {
        serde_json::from_slice::<Value>(response.body()).ok()
    };
    let Some(body) = body else { return response };
    let Some(error) = body.get("error").and_then(Value::as_str) else {
        let status = response.status();
        return json_response(response, status, &body);
    };
    let error = match error {
        "bad_verification_code" | "bad_refresh_token" => "invalid_grant",
        "incorrect_client_credentials" => "invalid_client",
        other => other,
    };
    json_response(response, StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

#[derive(Deserialize)]
struct User {
    /// Stable, unlike the login name, which can pass to another user.
    id: u64,
    login: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    verified: bool,
}

/// The e-mail address comes from `/user/emails`: the one in the public profile may be
/// unverified.
pub(crate) async fn profile(
    http: &Outbound,
    web: &Url,
    api: &Url,
    access_token: &str,
) -> Result<Profile, Error> {
    let get = async |path: &str| {
        let response = http.get(&join_path(api, path), Some(access_token)).await;
        check_rate_limit(response.map_err(Error::unreachable(Step::Profile))?)
    };
    let user: User = parse(Step::Profile, &get("user").await?)?;
    let emails = get("user/emails").await?;
    // 403 or 404: the user did not grant access to their addresses.
    let withheld = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&emails.status());
    let entries = if withheld { Vec::new() } else { parse(Step::Profile, &emails)? };
    to_profile(web, user, entries)
}

/// GitHub also responds 403 at its rate limit; the headers tell.
pub(crate) fn check_rate_limit(response: Response<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
    let headers = response.headers();
    let is_limited = headers.contains_key(header::RETRY_AFTER)
        || headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    if response.status() == StatusCode::FORBIDDEN && is_limited {
        return Err(Error::rate_limited(Step::Profile));
    }
    Ok(response)
}

/// GitHub has no issuer identifier, so we use its web address.
pub(crate) fn issuer(web: &Url) -> String {
    web.as_str().trim_end_matches('/').to_owned()
}

/// Skips invalid entries.
fn to_profile(web: &Url, user: User, entries: Vec<Value>) -> Result<Profile, Error> {
    let addresses: Vec<Address> =
        entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect();
    let verified = || addresses.iter().filter(|address| address.verified);
    let email = verified()
        .find(|address| address.primary)
        .or_else(|| verified().next())
        .and_then(|address| Email::parse(&address.email).ok());
    Ok(Profile {
        issuer: issuer(web),
        subject: Error::subject(user.id.to_string())?,
        name: DisplayName::first_of([user.name.as_deref(), user.login.as_deref()]),
        email_verified: email.is_some(),
        email,
    })
}
