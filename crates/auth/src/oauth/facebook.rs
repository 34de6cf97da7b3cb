//! Facebook's dialect: OAuth 2.0, and the shapes of the Graph API.

use ::http::{Response, StatusCode};
use aws_lc_rs::hmac;
use latchkey_domain::{DisplayName, Email, Profile};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::dialect::{Endpoints, join_path, json_response};
use super::error::{Error, Step, json as parse};
use crate::http::Outbound;
use crate::secret::Secret;

pub(crate) fn endpoints(web: &Url, graph: &Url) -> Endpoints {
    Endpoints {
        authorization: join_path(web, "dialog/oauth"),
        token: join_path(graph, "oauth/access_token"),
        secret_in_body: true,
    }
}

/// The code is used, expired, or was issued for another redirect URI or verifier.
const INVALID_CODE: i64 = 100;

/// Translates Graph API errors (an object under `error`) into those of RFC 6749.
pub(crate) fn normalize_token_response(response: Response<Vec<u8>>) -> Response<Vec<u8>> {
    let body = serde_json::from_slice::<Value>(response.body()).ok();
    let Some(error) = body.as_ref().and_then(|body| body.get("error")).filter(|e| e.is_object())
    else {
        return response;
    };
    let error = match error.get("code").and_then(Value::as_i64) {
        Some(INVALID_CODE) => "invalid_grant".to_owned(),
        Some(code) => format!("graph_error_{code}"),
        None => "graph_error".to_owned(),
    };
    json_response(response, StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

pub(crate) fn is_rate_limit_code(code: i64) -> bool {
    [4, 17, 32, 613].contains(&code)
}

pub(crate) fn is_rate_limited(response: &Response<Vec<u8>>) -> bool {
    let code = serde_json::from_slice::<Value>(response.body()).ok();
    let code = code.and_then(|body| body.get("error")?.get("code")?.as_i64());
    code.is_some_and(is_rate_limit_code)
}

#[derive(Deserialize)]
struct Me {
    id: String,
    name: Option<String>,
    /// Absent if the user has none or declined to share it.
    email: Option<String>,
}

/// `/me`, with `appsecret_proof`.
pub(crate) fn me_url(graph: &Url, access_token: &str, secret: &Secret) -> Url {
    let mut url = join_path(graph, "me");
    url.query_pairs_mut()
        .append_pair("fields", "id,name,email")
        .append_pair("appsecret_proof", &appsecret_proof(access_token, secret));
    url
}

pub(crate) async fn profile(
    http: &Outbound,
    web: &Url,
    graph: &Url,
    access_token: &str,
    secret: &Secret,
) -> Result<Profile, Error> {
    let response = http.get(&me_url(graph, access_token, secret), Some(access_token)).await;
    let response = response.map_err(Error::unreachable(Step::Profile))?;
    if is_rate_limited(&response) {
        return Err(Error::rate_limited(Step::Profile));
    }
    to_profile(web, parse(Step::Profile, &response)?)
}

/// Facebook returns only verified addresses, but does not document that, so we treat them as
/// unverified.
fn to_profile(web: &Url, me: Me) -> Result<Profile, Error> {
    Ok(Profile {
        issuer: issuer(web),
        subject: Error::subject(me.id)?,
        name: DisplayName::first_of([me.name.as_deref()]),
        email: me.email.and_then(|email| Email::parse(&email).ok()),
        email_verified: false,
    })
}

/// The web address without the API version, which changes every year.
pub(crate) fn issuer(web: &Url) -> String {
    let text = web.as_str().trim_end_matches('/');
    let is_version = |last: &str| {
        last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    match text.rsplit_once('/') {
        Some((before, last)) if is_version(last) => before.to_owned(),
        _ => text.to_owned(),
    }
}

/// HMAC-SHA-256 of the token with the app's secret, so that a stolen token is useless
/// without it ("Securing Graph API Requests").
pub(crate) fn appsecret_proof(access_token: &str, secret: &Secret) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let tag = hmac::sign(&key, access_token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facebook_errors_are_normalized_to_oauth_errors() {
        const USED: &str = r#"{"error":{"message":"This code has been used.","type":"OAuthException","code":100}}"#;
        const CLIENT: &str =
            r#"{"error":{"message":"Invalid Client ID","type":"OAuthException","code":101}}"#;
        for (status, body, expected) in [
            (400, USED, r#"{"error":"invalid_grant"}"#),
            (400, CLIENT, r#"{"error":"graph_error_101"}"#),
            (400, r#"{"error":{}}"#, r#"{"error":"graph_error"}"#),
            (200, r#"{"access_token":"t"}"#, r#"{"access_token":"t"}"#),
            (200, "junk", "junk"),
        ] {
            let mut answer = Response::new(body.as_bytes().to_vec());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            let normalized = normalize_token_response(answer);
            assert_eq!(normalized.status().as_u16(), status);
            assert_eq!(String::from_utf8_lossy(normalized.body()), expected);
        }
    }

    #[test]
    fn facebook_issuer_excludes_the_api_version() -> Result<(), url::ParseError> {
        for (web, expected) in [
            ("https://www.facebook.com/v23.0", "https://www.facebook.com"),
            ("https://www.facebook.com/v24.0/", "https://www.facebook.com"),
            ("http://127.0.0.1:3001/facebook/v23.0", "http://127.0.0.1:3001/facebook"),
            ("https://www.facebook.com", "https://www.facebook.com"),
            ("https://x.test/vanity", "https://x.test/vanity"),
        ] {
            assert_eq!(issuer(&Url::parse(web)?), expected);
        }
        Ok(())
    }
}
