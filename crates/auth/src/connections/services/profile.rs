//! What a provider says of the person.

use latchkey_domain::DisplayName;
use serde_json::Value;

use super::entry::{Entry, Refused, invalid_response, text};

/// Standard claims that say something to a person (OpenID Connect Core §5.1).
const CLAIMS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("email", "E-mail"),
    ("preferred_username", "Called"),
    ("locale", "Language"),
    ("zoneinfo", "Time zone"),
];

/// UserInfo. What is about another subject must not be used (OpenID Connect
/// Core §5.3.2).
pub(super) fn of_claims(body: &Value, subject: &str) -> Result<Vec<Entry>, Refused> {
    of(body, "sub", subject, &CLAIMS)
}

pub(super) fn of_me(body: &Value, subject: &str) -> Result<Vec<Entry>, Refused> {
    of(body, "id", subject, &[("name", "Name"), ("email", "E-mail")])
}

fn of(
    body: &Value,
    id: &str,
    subject: &str,
    fields: &[(&str, &str)],
) -> Result<Vec<Entry>, Refused> {
    match body.get(id).and_then(Value::as_str) {
        Some(who) if who == subject => {}
        Some(_) => return Err(invalid_response("it is about somebody else")),
        None => return Err(invalid_response("it is about nobody")),
    }
    let entry = |(field, label): &(&str, &str)| {
        Some(Entry { title: text(body.get(*field))?, about: DisplayName::clean(label), when: None })
    };
    Ok(fields.iter().filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_profile_is_about_somebody() {
        let body = json!({ "sub": "1", "name": "Ada", "email": 7, "locale": "en" });
        let found = of_claims(&body, "1").unwrap_or_default();
        let titles: Vec<_> = found.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["Ada", "en"]);
        assert!(of_claims(&body, "2").is_err());
        assert!(of_claims(&json!({ "name": "Ada" }), "1").is_err());
        assert!(of_me(&json!({ "id": "1", "name": "Ada" }), "1").is_ok());
        assert!(of_me(&json!({ "id": "1", "name": "Ada" }), "2").is_err());
        assert!(of_me(&json!([]), "1").is_err());
    }
}
