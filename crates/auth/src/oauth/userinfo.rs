//! The API call at an OpenID provider: UserInfo (OpenID Connect Core §5.3).

use ::http::{Response, StatusCode, header};
use latchkey_domain::identity::{Profile, Subject};
use latchkey_domain::{DisplayName, Email, Timestamp};
use serde_json::{Map, Value};

use super::discovery::Metadata;
use super::error::{Error, Step, json};
use super::id_token::{self, IdTokenError, LEEWAY};
use super::provider::OpenId;
use crate::http::Outbound;

type Claims = Map<String, Value>;

/// Fetches the profile, and takes it only when it is the same person's (§5.3.2).
///
/// `None` where this token does not open it: the ID token has said who it is.
pub(crate) async fn fetch(
    http: &Outbound,
    issuer: &Issuer<'_>,
    access_token: &str,
    subject: &Subject,
    now: Timestamp,
) -> Result<Option<Claims>, Error> {
    let Some(endpoint) = &issuer.metadata.userinfo_endpoint else { return Ok(None) };
    let answer = http.get(endpoint, Some(access_token)).await;
    let answer = answer.map_err(Error::unreachable(Step::Profile))?;
    if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        tracing::warn!(status = %answer.status(), "no profile; going by the ID token alone");
        return Ok(None);
    }
    let claims: Claims = match signed(&answer)? {
        Some(token) => verified(http, issuer, token, now).await?,
        None => json(Step::Profile, &answer)?,
    };
    if claims.get("sub").and_then(Value::as_str) == Some(subject.as_str()) {
        Ok(Some(claims))
    } else {
        Err(Error::invalid_response(Step::Profile, "it is about somebody else than the ID token"))
    }
}

/// Whose profile it is, and what is known of them.
pub(crate) struct Issuer<'a> {
    pub(crate) openid: &'a OpenId,
    pub(crate) metadata: &'a Metadata,
    pub(crate) client_id: &'a str,
}

/// A profile that was registered to come signed, as a JWT (§5.3.2).
fn signed(answer: &Response<Vec<u8>>) -> Result<Option<&str>, Error> {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if answer.status() != StatusCode::OK || !kind.trim().eq_ignore_ascii_case("application/jwt") {
        return Ok(None);
    }
    let token = std::str::from_utf8(answer.body()).unwrap_or_default().trim();
    if token.split('.').count() == 5 {
        return Err(Error::invalid_response(
            Step::Profile,
            "it is encrypted, which is not supported: register this client without \
             userinfo_encrypted_response_alg",
        ));
    }
    Ok(Some(token))
}

async fn verified(
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
    id_token::is_for(claims.get("aud"), issuer.client_id, others).map_err(refused)?;
    // It need not say when it ends; where it does, it has not.
    match claims.get("exp").map(Value::as_i64) {
        None => Ok(claims),
        Some(Some(exp)) if now < Timestamp::from_seconds(exp).plus(LEEWAY) => Ok(claims),
        Some(_) => Err(refused(IdTokenError::Expired)),
    }
}

/// What both say together, the profile first; but whether an address is verified
/// is only taken from who says it of that very address.
pub fn merge(id_token: Claims, profile: Option<Claims>) -> Claims {
    let Some(profile) = profile else { return id_token };
    let email = |claims: &Claims| Email::parse(claims.get("email")?.as_str()?).ok();
    let named = email(&profile).or_else(|| email(&id_token));
    let of_it = |claims: &Claims| email(claims).is_some() && email(claims) == named;
    let said: Vec<_> = [&id_token, &profile]
        .into_iter()
        .filter(|claims| of_it(claims))
        .filter_map(|claims| claims.get("email_verified").filter(|said| !said.is_null()))
        .map(is_true)
        .collect();
    let verified = !said.is_empty() && said.iter().all(|yes| *yes);
    let mut all = id_token;
    all.extend(profile);
    all.insert("email".to_owned(), named.map(|email| email.to_string()).into());
    all.insert("email_verified".to_owned(), verified.into());
    all
}

/// Some issuers write their booleans as text.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

/// The profile that a set of standard claims describes (§5.1). Claims of a
/// wrong type say nothing.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_of_a_wrong_type_say_nothing() -> Result<(), latchkey_domain::identity::InvalidSubject>
    {
        for (claims, name, email, verified) in [
            (
                json!({"name": "Ada", "email": "Ada@x.test", "email_verified": true}),
                "Ada",
                Some("ada@x.test"),
                true,
            ),
            (
                json!({"name": "Ada", "email": "ada@x.test", "email_verified": "true"}),
                "Ada",
                Some("ada@x.test"),
                true,
            ),
            (
                json!({"email": "ada@x.test", "email_verified": "false"}),
                "ada@x.test",
                Some("ada@x.test"),
                false,
            ),
            (
                json!({"email": "ada@x.test", "email_verified": 1}),
                "ada@x.test",
                Some("ada@x.test"),
                false,
            ),
            (json!({"email": "ada@x.test"}), "ada@x.test", Some("ada@x.test"), false),
            (
                json!({"email": "", "email_verified": true, "preferred_username": "ada"}),
                "ada",
                None,
                false,
            ),
            (
                json!({"name": 1, "email": ["a@x.test"], "email_verified": true}),
                "Someone",
                None,
                false,
            ),
            (json!({"name": "\0", "email": "a\r\n@x.test"}), "Someone", None, false),
            (
                json!({"given_name": "Ada", "family_name": "Lovelace", "preferred_username": "al"}),
                "Ada Lovelace",
                None,
                false,
            ),
            (json!({"family_name": "Lovelace", "nickname": "al"}), "Lovelace", None, false),
            (json!({"given_name": "", "family_name": " ", "nickname": "al"}), "al", None, false),
            (json!({"name": "Countess", "given_name": "Ada"}), "Countess", None, false),
        ] {
            let Value::Object(map) = claims.clone() else { continue };
            let profile = profile("https://op.test", Subject::new("1")?, &map);
            assert_eq!(profile.name.as_str(), name, "{claims}");
            assert_eq!(profile.email.as_ref().map(Email::as_str), email, "{claims}");
            assert_eq!(profile.email_verified, verified, "{claims}");
        }
        Ok(())
    }

    /// Otherwise whoever can write an address into one of the two documents
    /// would have it verified by the other.
    #[test]
    fn an_address_and_its_verified_come_from_one_source() {
        let (mine, victim) = ("mine@x.test", "victim@x.test");
        for (id_token, profile, email, verified) in [
            (
                json!({"email": mine, "email_verified": true}),
                json!({"email": victim}),
                Some(victim),
                false,
            ),
            (
                json!({"email": mine, "email_verified": true}),
                json!({"email": victim, "email_verified": true}),
                Some(victim),
                true,
            ),
            (
                json!({"email": mine, "email_verified": true}),
                json!({"email": "Mine@X.test"}),
                Some(mine),
                true,
            ),
            (
                json!({"email": mine, "email_verified": false}),
                json!({"email": mine, "email_verified": true}),
                Some(mine),
                false,
            ),
            (json!({"email": mine}), json!({"email_verified": true}), Some(mine), false),
            (json!({"email_verified": true}), json!({"email": victim}), Some(victim), false),
            (
                json!({"email": mine, "email_verified": true}),
                json!({"email": 1, "email_verified": true}),
                Some(mine),
                true,
            ),
            (json!({"email": mine, "email_verified": "true"}), json!({}), Some(mine), true),
            (json!({}), json!({"email_verified": true}), None, false),
        ] {
            let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
            let merged = merge(map(&id_token), Some(map(&profile)));
            let what = format!("{id_token} {profile}");
            assert_eq!(merged.get("email").and_then(Value::as_str), email, "{what}");
            assert_eq!(merged.get("email_verified"), Some(&json!(verified)), "{what}");
        }
    }
}
