//! GitHub's repositories.

use latchkey_domain::{DisplayName, Timestamp};
use serde_json::Value;
use url::Url;

use super::entry::{AT_MOST, Entry, Refused, When, invalid_response, text};
use crate::oauth::dialect::below;

/// "List repositories for the authenticated user", the latest first.
pub(super) fn latest(api: &Url) -> Url {
    let mut url = below(api, "user/repos");
    url.query_pairs_mut()
        .append_pair("sort", "pushed")
        .append_pair("per_page", &AT_MOST.to_string());
    url
}

pub(super) fn repositories(body: &Value) -> Result<Vec<Entry>, Refused> {
    let all = body.as_array().ok_or_else(|| invalid_response("it is not a list"))?;
    Ok(all.iter().take(AT_MOST).map(repository).collect())
}

fn repository(one: &Value) -> Entry {
    let field = |name: &str| text(one.get(name));
    let name = field("full_name").or_else(|| field("name"));
    let private = one.get("private").and_then(Value::as_bool);
    let kind = private.map(|private| if private { "Private" } else { "Public" });
    let description = field("description");
    let about = kind.into_iter().chain(description.as_ref().map(DisplayName::as_str));
    let about = DisplayName::clean(&about.collect::<Vec<_>>().join(", "));
    let at = one.get("pushed_at").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
    Entry { title: name.unwrap_or_else(Entry::untitled), about, when: at.map(When::At) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn private_ones_are_told_from_public_ones() {
        let body = json!([
            { "full_name": "ada/engine", "private": true, "description": "Notes" },
            { "full_name": "ada/web", "private": false, "pushed_at": "2026-11-23T16:12:00Z" },
            { "name": "odd" },
            17,
        ]);
        let found = repositories(&body).unwrap_or_default();
        let about = |n: usize| found[n].about.as_ref().map(|about| about.as_str().to_owned());
        assert_eq!(about(0).as_deref(), Some("Private, Notes"));
        assert_eq!(about(1).as_deref(), Some("Public"));
        assert!(found[1].when.is_some());
        assert_eq!((found[2].title.as_str(), about(2)), ("odd", None));
        assert_eq!(found[3].title.as_str(), "Without a name");
        assert!(repositories(&json!({ "message": "x" })).is_err());
    }
}
