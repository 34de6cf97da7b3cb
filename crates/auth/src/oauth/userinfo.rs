//! The API call at an OpenID provider: UserInfo (OpenID Connect Core §5.3).

use latchkey_domain::identity::{Profile, Subject};
use latchkey_domain::{DisplayName, Email};
use serde_json::{Map, Value};
use url::Url;

use super::error::{Error, Step, json};
use crate::http::Outbound;

/// Fetches the profile, and takes it only when it is the same person's (§5.3.2).
pub(crate) async fn fetch(
    http: &Outbound,
    endpoint: &Url,
    access_token: &str,
    subject: &Subject,
) -> Result<Map<String, Value>, Error> {
    let answer = http.get(endpoint, Some(access_token)).await;
    let answer = answer.map_err(Error::unreachable(Step::Profile))?;
    let claims: Map<String, Value> = json(Step::Profile, &answer)?;
    if claims.get("sub").and_then(Value::as_str) == Some(subject.as_str()) {
        Ok(claims)
    } else {
        Err(Error::invalid_response(Step::Profile, "it is about somebody else than the ID token"))
    }
}

/// The profile that a set of standard claims describes (§5.1). Claims of a
/// wrong type say nothing.
pub(crate) fn profile(issuer: &str, subject: Subject, claims: &Map<String, Value>) -> Profile {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let email = text("email").and_then(|email| Email::parse(email).ok());
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        // Some issuers write their booleans as text.
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    Profile {
        issuer: issuer.to_owned(),
        name: DisplayName::first_of([
            text("name"),
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
        ] {
            let Value::Object(map) = claims.clone() else { continue };
            let profile = profile("https://op.test", Subject::new("1")?, &map);
            assert_eq!(profile.name.as_str(), name, "{claims}");
            assert_eq!(profile.email.as_ref().map(Email::as_str), email, "{claims}");
            assert_eq!(profile.email_verified, verified, "{claims}");
        }
        Ok(())
    }
}
