//! The services: one API call each, with sanitized results.

use ::http::{Response, StatusCode};
use latchkey_domain::connection::Service;
use latchkey_domain::{DisplayName, Timestamp};
use serde_json::Value;
use url::Url;

use crate::http::Outbound;
use crate::oauth::dialect::join_path;
use crate::oauth::error::{Error, Step};
use crate::oauth::provider::{Kind, Provider};
use crate::oauth::{facebook, github};
use crate::secret::Secret;

const MAX_ENTRIES: usize = 20;

/// One item of a service, with bounded texts without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub title: DisplayName,
    pub about: Option<DisplayName>,
    pub when: Option<When>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    /// All day. A date that cannot be parsed stays as the provider writes it.
    Day(DisplayName),
}

#[derive(Debug)]
pub(crate) enum ServiceError {
    /// RFC 6750 §3.1 `invalid_token`.
    InvalidToken,
    /// RFC 6750 §3.1 `insufficient_scope`.
    InsufficientScope,
    Failed(Error),
}

fn invalid_response(what: &str) -> ServiceError {
    ServiceError::Failed(Error::invalid_response(Step::Service, what))
}

/// A member that is a list; absent means empty.
fn list_member<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], ServiceError> {
    match body.get(name) {
        None if body.is_object() => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        _ => Err(invalid_response("it is not a list")),
    }
}

/// The first displayable text.
fn title<'a>(candidates: impl IntoIterator<Item = Option<&'a Value>>) -> DisplayName {
    let texts = candidates.into_iter().map(|value| value.and_then(Value::as_str));
    DisplayName::first_of(texts.chain([Some("Without a name")]))
}

fn text(value: Option<&Value>) -> Option<DisplayName> {
    value.and_then(Value::as_str).and_then(DisplayName::clean)
}

/// Calls a service. A profile must be that of `subject`.
pub(super) async fn list(
    http: &Outbound,
    provider: &Provider,
    service: Service,
    subject: &str,
    token: &Secret,
    now: Timestamp,
) -> Result<Vec<Entry>, ServiceError> {
    let (limit, from) = (MAX_ENTRIES.to_string(), now.rfc3339());
    let (limit, from) = (limit.as_str(), from.as_str());
    match (service, &provider.kind) {
        // The Calendar API, "Events: list".
        (Service::Calendar, Kind::OpenId(openid)) => {
            let base = google_api(&openid.issuer, provider.local, CALENDAR);
            let query = [
                ("maxResults", limit),
                ("singleEvents", "true"),
                ("orderBy", "startTime"),
                ("timeMin", from),
            ];
            let url = base.map(|base| endpoint(&base, "calendars/primary/events", &query));
            events(&fetch(http, url, token).await?)
        }
        // The People API, "people.connections: list".
        (Service::Contacts, Kind::OpenId(openid)) => {
            let base = google_api(&openid.issuer, provider.local, PEOPLE);
            let query = [("personFields", "names,emailAddresses"), ("pageSize", limit)];
            let url = base.map(|base| endpoint(&base, "people/me/connections", &query));
            contacts(&fetch(http, url, token).await?)
        }
        // "List repositories for the authenticated user".
        (Service::Repositories, Kind::GitHub { api, .. }) => {
            let url = endpoint(api, "user/repos", &[("sort", "pushed"), ("per_page", limit)]);
            repositories(&fetch(http, Some(url), token).await?)
        }
        // UserInfo (OpenID Connect Core §5.3).
        (Service::Profile, Kind::OpenId(openid)) => {
            let metadata = openid.discovery.metadata(http, &openid.issuer, now).await;
            let url = metadata.map_err(ServiceError::Failed)?.userinfo_endpoint.clone();
            profile(&fetch(http, url, token).await?, "sub", subject, &CLAIMS)
        }
        (Service::Profile, Kind::Facebook { graph, .. }) => {
            let url = facebook::me_url(graph, token.expose(), &provider.client_secret);
            profile(&fetch(http, Some(url), token).await?, "id", subject, &FIELDS)
        }
        _ => Err(invalid_response("there is no such service")),
    }
}

async fn fetch(http: &Outbound, url: Option<Url>, token: &Secret) -> Result<Value, ServiceError> {
    let url = url.ok_or_else(|| invalid_response("it has no such service"))?;
    let response = http.get(&url, Some(token.expose())).await;
    let response =
        response.map_err(|error| ServiceError::Failed(Error::unreachable(Step::Service)(error)))?;
    validate(response)
}

fn validate(response: Response<Vec<u8>>) -> Result<Value, ServiceError> {
    const INVALID_TOKEN_CODES: [i64; 2] = [102, 190];
    let response = github::check_rate_limit(response).map_err(ServiceError::Failed)?;
    let body: Option<Value> = serde_json::from_slice(response.body()).ok();
    let error = body.as_ref().and_then(|body| body.get("error"));
    let code = error.and_then(|error| error.get("code")?.as_i64());
    match response.status() {
        StatusCode::OK => body.ok_or_else(|| invalid_response("it is not a JSON document")),
        StatusCode::UNAUTHORIZED => Err(ServiceError::InvalidToken),
        _ if error.is_some_and(is_google_rate_limit)
            || code.is_some_and(facebook::is_rate_limit_code) =>
        {
            Err(ServiceError::Failed(Error::rate_limited(Step::Service)))
        }
        _ if code.is_some_and(|code| INVALID_TOKEN_CODES.contains(&code)) => {
            Err(ServiceError::InvalidToken)
        }
        StatusCode::FORBIDDEN => Err(ServiceError::InsufficientScope),
        status => Err(ServiceError::Failed(Error::status(Step::Service, status))),
    }
}

/// Google also responds 403 at a rate limit, with a reason.
fn is_google_rate_limit(error: &Value) -> bool {
    let reasons = error.get("errors").and_then(Value::as_array).into_iter().flatten();
    let mut reasons = reasons.filter_map(|one| one.get("reason")?.as_str());
    reasons.any(|reason| reason.ends_with("ateLimitExceeded") || reason == "quotaExceeded")
}

/// The path at the local provider, below its issuer, and the URL of the real API.
const CALENDAR: (&str, &str) = ("calendar/v3", "https://www.googleapis.com/calendar/v3");
const PEOPLE: (&str, &str) = ("people/v1", "https://people.googleapis.com/v1");

fn google_api(issuer: &str, local: bool, (path, real): (&str, &str)) -> Option<Url> {
    if local { Some(join_path(&Url::parse(issuer).ok()?, path)) } else { Url::parse(real).ok() }
}

fn endpoint(base: &Url, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = join_path(base, path);
    url.query_pairs_mut().extend_pairs(query);
    url
}

fn events(body: &Value) -> Result<Vec<Entry>, ServiceError> {
    let items = list_member(body, "items")?.iter();
    Ok(items
        .filter(|item| item.get("status").and_then(Value::as_str) != Some("cancelled"))
        .take(MAX_ENTRIES)
        .map(|item| Entry {
            title: title([item.get("summary")]),
            about: text(item.get("location")),
            when: item.get("start").and_then(when),
        })
        .collect())
}

fn when(start: &Value) -> Option<When> {
    let at = start.get("dateTime").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
    at.map(When::At).or_else(|| {
        let date = text(start.get("date"))?;
        let midnight = Timestamp::parse_rfc3339(&format!("{}T00:00:00Z", date.as_str()));
        Some(When::Day(midnight.and_then(|at| DisplayName::clean(&at.date())).unwrap_or(date)))
    })
}

fn contacts(body: &Value) -> Result<Vec<Entry>, ServiceError> {
    let people = list_member(body, "connections")?.iter();
    Ok(people
        .take(MAX_ENTRIES)
        .map(|person| Entry {
            title: title([person.pointer("/names/0/displayName")]),
            about: text(person.pointer("/emailAddresses/0/value")),
            when: None,
        })
        .collect())
}

fn repositories(body: &Value) -> Result<Vec<Entry>, ServiceError> {
    let all = body.as_array().ok_or_else(|| invalid_response("it is not a list"))?;
    Ok(all.iter().take(MAX_ENTRIES).map(repository).collect())
}

fn repository(one: &Value) -> Entry {
    let private = one.get("private").and_then(Value::as_bool);
    let kind = private.map(|private| if private { "Private" } else { "Public" });
    let description = text(one.get("description"));
    let about = kind.into_iter().chain(description.as_ref().map(DisplayName::as_str));
    let about = DisplayName::clean(&about.collect::<Vec<_>>().join(", "));
    let at = one.get("pushed_at").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
    Entry { title: title([one.get("full_name"), one.get("name")]), about, when: at.map(When::At) }
}

/// Claims to show (OpenID Connect Core §5.1).
const CLAIMS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("email", "E-mail"),
    ("preferred_username", "Called"),
    ("locale", "Language"),
    ("zoneinfo", "Time zone"),
];

/// The same for Facebook's `/me`.
const FIELDS: [(&str, &str); 2] = [("name", "Name"), ("email", "E-mail")];

/// The subject must match (OpenID Connect Core §5.3.2).
fn profile(
    body: &Value,
    id: &str,
    subject: &str,
    fields: &[(&str, &str)],
) -> Result<Vec<Entry>, ServiceError> {
    match body.get(id).and_then(Value::as_str) {
        Some(found) if found == subject => {}
        Some(_) => return Err(invalid_response("it has another subject")),
        None => return Err(invalid_response("it has no subject")),
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
    fn service_responses_map_to_error_kinds() {
        let graph = |code: i64| format!(r#"{{"error":{{"code":{code},"message":"x"}}}}"#);
        for (status, body, outcome) in [
            (200, "{}".to_owned(), "ok"),
            (200, "<html>".to_owned(), "failed"),
            (401, String::new(), "token"),
            (403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#.to_owned(), "scope"),
            (
                403,
                r#"{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}"#.to_owned(),
                "failed",
            ),
            (400, graph(190), "token"),
            (400, graph(4), "failed"),
            (400, graph(1), "failed"),
            (503, String::new(), "failed"),
            (302, String::new(), "failed"),
        ] {
            let mut answer = Response::new(body.clone().into_bytes());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            let result = match validate(answer) {
                Ok(_) => "ok",
                Err(ServiceError::InvalidToken) => "token",
                Err(ServiceError::InsufficientScope) => "scope",
                Err(ServiceError::Failed(_)) => "failed",
            };
            assert_eq!(result, outcome, "{status} {body}");
        }
    }

    #[test]
    fn google_apis_use_public_hosts_unless_local() {
        let issuer = "https://accounts.google.com";
        let at = |url: Option<Url>| url.map(String::from).unwrap_or_default();
        assert_eq!(
            at(google_api(issuer, false, CALENDAR)),
            "https://www.googleapis.com/calendar/v3"
        );
        assert_eq!(at(google_api(issuer, false, PEOPLE)), "https://people.googleapis.com/v1");
        let local = "http://127.0.0.1:3001/google";
        assert_eq!(
            at(google_api(local, true, CALENDAR)),
            "http://127.0.0.1:3001/google/calendar/v3"
        );
        assert_eq!(at(google_api(local, true, PEOPLE)), "http://127.0.0.1:3001/google/people/v1");
    }

    #[test]
    fn malformed_calendar_events_are_tolerated() {
        let body = json!({ "items": [
            { "summary": "Tea", "location": "Kew", "start": {"dateTime": "2026-11-23T16:12:00Z"} },
            { "summary": "Gone", "status": "cancelled" },
            { "summary": "a\u{202e}b\0c", "start": { "date": "2026-11-24" } },
            { "summary": 7, "start": "soon" },
            "text", null, [],
        ] });
        let found = events(&body).unwrap_or_default();
        let titles: Vec<_> = found.iter().map(|event| event.title.as_str()).collect();
        let nameless = "Without a name";
        assert_eq!(titles, ["Tea", "abc", nameless, nameless, nameless, nameless]);
        assert_eq!(found[0].when, Some(When::At(Timestamp::from_seconds(1_795_450_320))));
        assert!(matches!(&found[1].when, Some(When::Day(day)) if day.as_str() == "24 Nov 2026"));
        assert_eq!(events(&json!({})).map(|events| events.len()).ok(), Some(0));
        for invalid in [json!([]), json!({ "items": {} }), json!("x"), json!(null)] {
            assert!(events(&invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn contacts_are_truncated_to_max_entries() {
        let one = json!({
            "names": [{ "displayName": "x".repeat(100_000) }],
            "emailAddresses": [{ "value": "x@example.test" }],
        });
        let found = contacts(&json!({ "connections": vec![one; 500] })).unwrap_or_default();
        assert_eq!(found.len(), MAX_ENTRIES);
        assert!(found[0].title.as_str().len() <= 120);
        let about = found[0].about.as_ref().map(|about| about.as_str());
        assert_eq!(about, Some("x@example.test"));
    }

    #[test]
    fn repositories_show_private_or_public_visibility() {
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

    #[test]
    fn profile_with_other_subject_is_rejected() {
        let body = json!({ "sub": "1", "name": "Ada", "email": 7, "locale": "en" });
        let of_claims = |body: &Value, subject| profile(body, "sub", subject, &CLAIMS);
        let of_me = |body: &Value, subject| profile(body, "id", subject, &FIELDS);
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
