//! UserInfo (OpenID Connect Core §5.3).

use ::http::{Response, StatusCode, header};
use latchkey_domain::{DisplayName, Email, Profile, Subject, Timestamp};
use serde_json::{Map, Value};

use super::discovery::Metadata;
use super::error::{Error, Step, json};
use super::id_token::{self, IdTokenError, LEEWAY};
use super::provider::OpenId;
use crate::http::Outbound;

type Claims = Map<String, Value>;

/// Fetches the profile, which must have the same subject (§5.3.2). `None` if the token has
/// no access to it: the ID token has identified the user.
pub(crate) async fn fetch(
    http: &Outbound,
    issuer: &Issuer<'_>,
    access_token: &str,
    subject: &Subject,
    now: Timestamp,
) -> Result<Option<Claims>, Error> {
    let Some(endpoint) = &issuer.metadata.userinfo_endpoint else { return Ok(None) };
    let response = http.get(endpoint, Some(access_token)).await;
    let response = response.map_err(Error::unreachable(Step::Profile))?;
    if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        tracing::warn!(status = %response.status(), "no profile; using the ID token alone");
        return Ok(None);
    }
    let claims: Claims = match jwt_body(&response)? {
        Some(token) => verify_jwt(http, issuer, token, now).await?,
        None => json(Step::Profile, &response)?,
    };
    if claims.get("sub").and_then(Value::as_str) == Some(subject.as_str()) {
        Ok(Some(claims))
    } else {
        Err(Error::invalid_response(Step::Profile, "its subject is not that of the ID token"))
    }
}

pub(crate) struct Issuer<'a> {
    pub(crate) openid: &'a OpenId,
    pub(crate) metadata: &'a Metadata,
    pub(crate) client_id: &'a str,
}

/// The signed form of a profile (§5.3.2).
fn jwt_body(response: &Response<Vec<u8>>) -> Result<Option<&str>, Error> {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if response.status() != StatusCode::OK || !kind.trim().eq_ignore_ascii_case("application/jwt") {
        return Ok(None);
    }
    let token = std::str::from_utf8(response.body()).unwrap_or_default().trim();
    if token.split('.').count() == 5 {
        return Err(Error::invalid_response(
            Step::Profile,
            "it is encrypted, which is not supported: register this client without \
             userinfo_encrypted_response_alg",
        ));
    }
    Ok(Some(token))
}

async fn verify_jwt(
    http: &Outbound,
    issuer: &Issuer<'_>,
    token: &str,
    now: Timestamp,
) -> Result<Claims, Error> {
    let refused = |error: IdTokenError| {
        Error::invalid_response(Step::Profile, format!("it was refused: {error}"))
    };
    let token = id_token::parse(token).map_err(refused)?;
    match issuer.openid.keys.verify(http, &issuer.metadata.jwks_uri, &token, now).await {
        Err(Error::IdToken(error)) => return Err(refused(error)),
        other => other?,
    }
    let claims = token.into_claims();
    if claims.get("iss").and_then(Value::as_str) != Some(&issuer.openid.issuer) {
        return Err(refused(IdTokenError::Issuer));
    }
    let others = &issuer.openid.options.audiences;
    id_token::check_audience(claims.get("aud"), issuer.client_id, others).map_err(refused)?;
    // `exp` is optional.
    match claims.get("exp").map(Value::as_i64) {
        None => Ok(claims),
        Some(Some(exp)) if now < Timestamp::from_seconds(exp).plus(LEEWAY) => Ok(claims),
        Some(_) => Err(refused(IdTokenError::Expired)),
    }
}

/// Merges the claims, the profile's first. `email_verified` counts only from a source that
/// names the same address.
pub fn merge(id_token: Claims, profile: Option<Claims>) -> Claims {
    let Some(profile) = profile else { return id_token };
    let email = |claims: &Claims| Email::parse(claims.get("email")?.as_str()?).ok();
    let address = email(&profile).or_else(|| email(&id_token));
    let names_address = |claims: &Claims| email(claims).is_some() && email(claims) == address;
    let verified: Vec<_> = [&id_token, &profile]
        .into_iter()
        .filter(|claims| names_address(claims))
        .filter_map(|claims| claims.get("email_verified").filter(|value| !value.is_null()))
        .map(is_true)
        .collect();
    let verified = !verified.is_empty() && verified.iter().all(|yes| *yes);
    let mut all = id_token;
    all.extend(profile);
    all.insert("email".to_owned(), address.map(|email| email.to_string()).into());
    all.insert("email_verified".to_owned(), verified.into());
    all
}

/// Some issuers send booleans as text.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

/// The profile from standard claims (§5.1), ignoring those of the wrong type.
pub fn profile(issuer: &str, subject: Subject, claims: &Map<String, Value>) -> Profile {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let email = text("email").and_then(|email| Email::parse(email).ok());
    let verified = claims.get("email_verified").is_some_and(is_true);
    let parts = ["given_name", "family_name"].into_iter().filter_map(text);
    let joined = parts.collect::<Vec<_>>().join(" ");
    Profile {
        issuer: issuer.to_owned(),
        name: DisplayName::first_of([
            text("name"),
            Some(&joined),
            text("nickname"),
            text("preferred_username"),
            email.as_ref().map(|email| email.as_str()),
        ]),
        email_verified: verified && email.is_some(),
        email,
        subject,
    }
}
