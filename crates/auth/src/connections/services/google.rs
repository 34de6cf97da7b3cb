//! Google's Calendar and People APIs.

use latchkey_domain::Timestamp;
use serde_json::Value;
use url::Url;

use super::entry::{AT_MOST, Entry, Refused, When, listed, text};
use crate::oauth::dialect::below;

/// Google's APIs have addresses of their own; the local provider's are below its
/// issuer.
pub(super) fn calendar(issuer: &str, local: bool) -> Option<Url> {
    api(issuer, local, "calendar/v3", "https://www.googleapis.com/calendar/v3")
}

pub(super) fn people(issuer: &str, local: bool) -> Option<Url> {
    api(issuer, local, "people/v1", "https://people.googleapis.com/v1")
}

fn api(issuer: &str, local: bool, path: &str, real: &str) -> Option<Url> {
    if local {
        Url::parse(issuer).ok().map(|issuer| below(&issuer, path))
    } else {
        Url::parse(real).ok()
    }
}

pub(super) fn upcoming(base: &Url, now: Timestamp) -> Url {
    let mut url = below(base, "calendars/primary/events");
    url.query_pairs_mut()
        .append_pair("maxResults", &AT_MOST.to_string())
        .append_pair("singleEvents", "true")
        .append_pair("orderBy", "startTime")
        .append_pair("timeMin", &now.rfc3339());
    url
}

pub(super) fn everybody(base: &Url) -> Url {
    let mut url = below(base, "people/me/connections");
    url.query_pairs_mut()
        .append_pair("personFields", "names,emailAddresses")
        .append_pair("pageSize", &AT_MOST.to_string());
    url
}

pub(super) fn events(body: &Value) -> Result<Vec<Entry>, Refused> {
    let items = listed(body, "items")?.iter();
    Ok(items
        .filter(|item| item.get("status").and_then(Value::as_str) != Some("cancelled"))
        .take(AT_MOST)
        .map(|item| Entry {
            title: text(item.get("summary")).unwrap_or_else(Entry::untitled),
            about: text(item.get("location")),
            when: item.get("start").and_then(when),
        })
        .collect())
}

fn when(start: &Value) -> Option<When> {
    let at = start.get("dateTime").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
    at.map(When::At).or_else(|| text(start.get("date")).map(When::Day))
}

pub(super) fn contacts(body: &Value) -> Result<Vec<Entry>, Refused> {
    let people = listed(body, "connections")?.iter();
    Ok(people
        .take(AT_MOST)
        .map(|person| Entry {
            title: text(person.pointer("/names/0/displayName")).unwrap_or_else(Entry::untitled),
            about: text(person.pointer("/emailAddresses/0/value")),
            when: None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_real_google_is_asked_at_its_own_addresses() {
        let issuer = "https://accounts.google.com";
        let at = |url: Option<Url>| url.map(String::from).unwrap_or_default();
        assert_eq!(at(calendar(issuer, false)), "https://www.googleapis.com/calendar/v3");
        assert_eq!(at(people(issuer, false)), "https://people.googleapis.com/v1");
        let local = "http://127.0.0.1:3001/google";
        assert_eq!(at(calendar(local, true)), "http://127.0.0.1:3001/google/calendar/v3");
        assert_eq!(at(people(local, true)), "http://127.0.0.1:3001/google/people/v1");
    }

    #[test]
    fn events_of_any_shape_are_survived() {
        let body = json!({ "items": [
            { "summary": "Tea", "location": "Kew", "start": { "dateTime": "2026-11-23T16:12:00Z" } },
            { "summary": "Gone", "status": "cancelled" },
            { "summary": "a\u{202e}b\0c", "start": { "date": "2026-11-24" } },
            { "summary": 7, "start": "soon" },
            "text", null, [],
        ] });
        let events = events(&body).unwrap_or_default();
        let titles: Vec<_> = events.iter().map(|event| event.title.as_str()).collect();
        let nameless = "Without a name";
        assert_eq!(titles, ["Tea", "abc", nameless, nameless, nameless, nameless]);
        assert_eq!(events[0].when, Some(When::At(Timestamp::from_seconds(1_795_450_320))));
        assert!(matches!(&events[1].when, Some(When::Day(day)) if day.as_str() == "2026-11-24"));
        assert_eq!(super::events(&json!({})).map(|events| events.len()).ok(), Some(0));
        for invalid in [json!([]), json!({ "items": {} }), json!("x"), json!(null)] {
            assert!(super::events(&invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_flood_of_contacts_is_cut_off() {
        let one = json!({
            "names": [{ "displayName": "x".repeat(100_000) }],
            "emailAddresses": [{ "value": "x@example.test" }],
        });
        let contacts = contacts(&json!({ "connections": vec![one; 500] })).unwrap_or_default();
        assert_eq!(contacts.len(), AT_MOST);
        assert!(contacts[0].title.as_str().len() <= 120);
        let about = contacts[0].about.as_ref().map(|about| about.as_str());
        assert_eq!(about, Some("x@example.test"));
    }
}
