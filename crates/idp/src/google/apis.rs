//! Google's APIs: the Calendar API (`Events: list`) and the People API (`people.connections.list`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::kit::{Timestamp, put};
use crate::prelude::*;
use crate::protocol::scopes::{CALENDAR, CONTACTS};
use crate::resources::{self, Contact, Event, day, instant};

/// A method of an API and its required scope.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    service: &'static str,
    name: &'static str,
    scope: &'static str,
}

const LIST_EVENTS: Method = Method {
    service: "calendar-json.googleapis.com",
    name: "calendar.v3.Events.List",
    scope: CALENDAR,
};
const LIST_CONNECTIONS: Method = Method {
    service: "people.googleapis.com",
    name: "google.people.v1.PeopleService.ListConnections",
    scope: CONTACTS,
};

#[derive(Debug)]
pub enum ApiError {
    Unauthenticated,
    InsufficientScope(Method),
    InvalidArgument(&'static str),
    NotFound,
}

fn authorize(call: &Call, method: Method) -> Result<(Arc<Authorization>, &Params), ApiError> {
    let authorization = call.authorization(Provider::Google);
    let authorization = authorization.map_err(|_| ApiError::Unauthenticated)?;
    if !authorization.scopes.contains(method.scope) {
        return Err(ApiError::InsufficientScope(method));
    }
    let params = call.params.as_ref();
    Ok((authorization, params.map_err(|error| ApiError::InvalidArgument((*error).into()))?))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        const REALM: &str = r#"Bearer realm="https://accounts.google.com/""#;
        let (status, name, message, challenge) = match &self {
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, \
                 login cookie or other valid authentication credential.",
                Some(format!(r#"{REALM}, error="invalid_token""#)),
            ),
            Self::InsufficientScope(Method { scope, .. }) => (
                StatusCode::FORBIDDEN,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                Some(format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#)),
            ),
            Self::InvalidArgument(why) => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", *why, None),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", "Not Found", None),
        };
        let mut error = json!({ "code": status.as_u16(), "message": message, "status": name });
        if let Self::InsufficientScope(Method { service, name, .. }) = self {
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
                "metadata": { "service": service, "method": name },
            }]);
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Some(challenge) = challenge.and_then(|challenge| challenge.try_into().ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// One page of a list, AIP-158.
struct Page {
    start: usize,
    length: usize,
}

impl Page {
    /// Reads `pageToken` and the parameter `size` for the page size.
    fn read(params: &Params, size: &str, default: usize, max: usize) -> Result<Self, ApiError> {
        let length = match params.get(size).map(str::parse::<usize>) {
            None => default,
            Some(Ok(length @ 1..)) => length.min(max),
            Some(_) => return Err(ApiError::InvalidArgument("Invalid page size.")),
        };
        let start = match params.get("pageToken").map(page_start) {
            None => 0,
            Some(Some(start)) => start,
            Some(None) => return Err(ApiError::InvalidArgument("Invalid page token.")),
        };
        Ok(Self { start, length })
    }

    /// The entries of this page, and the token for the next one.
    fn slice<'a, T>(&self, all: &'a [T]) -> (&'a [T], Option<String>) {
        let start = self.start.min(all.len());
        let end = start.saturating_add(self.length).min(all.len());
        let next = (end < all.len()).then(|| URL_SAFE_NO_PAD.encode(end.to_string()));
        (all.get(start..end).unwrap_or_default(), next)
    }
}

fn page_start(token: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}

/// `GET /google/calendar/v3/calendars/{calendar}/events`
pub async fn events(Path(calendar): Path<String>, call: Call) -> Result<Json<Value>, ApiError> {
    let (authorization, params) = authorize(&call, LIST_EVENTS)?;
    let person = &authorization.person;
    // The id of the primary calendar is its owner's address.
    let email = person.email_at(Provider::Google);
    let name = email.map_or(&person.name, |email| &email.address);
    if calendar != "primary" && calendar != *name {
        return Err(ApiError::NotFound);
    }
    let (from, to) = (parse_time(params, "timeMin")?, parse_time(params, "timeMax")?);
    let page = Page::read(params, "maxResults", 250, 2500)?;

    let now = call.app.now();
    let mut events = resources::events(person, now);
    events.retain(|event| {
        from.is_none_or(|from| event.end > from) && to.is_none_or(|to| event.start < to)
    });
    let (shown, next) = page.slice(&events);
    let origin = &call.app.origin;
    let items: Vec<Value> = shown.iter().map(|event| item(event, name, origin)).collect();
    let mut response = json!({
        "kind": "calendar#events",
        "summary": name,
        "updated": instant(now),
        "timeZone": "UTC",
        "accessRole": "owner",
        "defaultReminders": [{ "method": "popup", "minutes": 10 }],
        "items": items,
    });
    put(&mut response, "nextPageToken", next);
    Ok(Json(response))
}

fn item(event: &Event, owner: &str, origin: &str) -> Value {
    let (start, end) = match event.all_day {
        // The end is exclusive: the next day.
        true => (json!({ "date": day(event.start) }), json!({ "date": day(event.end) })),
        false => (
            json!({ "dateTime": instant(event.start), "timeZone": "UTC" }),
            json!({ "dateTime": instant(event.end), "timeZone": "UTC" }),
        ),
    };
    let mut item = json!({
        "kind": "calendar#event",
        "id": event.id,
        "status": "confirmed",
        "htmlLink": format!("{origin}/"),
        "summary": event.summary,
        "creator": { "email": owner, "self": true },
        "organizer": { "email": owner, "self": true },
        "start": start,
        "end": end,
        "iCalUID": format!("{}@example.test", event.id),
        "sequence": 0,
        "reminders": { "useDefault": true },
        "eventType": "default",
    });
    put(&mut item, "location", event.location);
    item
}

fn parse_time(params: &Params, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = params.get(name) else {
        return Ok(None);
    };
    let instant = OffsetDateTime::parse(value, &Rfc3339).ok();
    let seconds = instant.and_then(|instant| u64::try_from(instant.unix_timestamp()).ok());
    match seconds {
        Some(seconds) => Ok(Some(Timestamp(seconds))),
        None => Err(ApiError::InvalidArgument("timeMin and timeMax must be RFC 3339 timestamps.")),
    }
}

/// `GET /google/people/v1/people/me/connections`
pub async fn connections(call: Call) -> Result<Json<Value>, ApiError> {
    const FIELDS: [&str; 3] = ["names", "emailAddresses", "metadata"];
    const NO_MASK: ApiError = ApiError::InvalidArgument(
        "personFields mask is required. Please specify one or more valid paths.",
    );

    let (authorization, params) = authorize(&call, LIST_CONNECTIONS)?;
    let mask = params.get("personFields").ok_or(NO_MASK)?;
    let mask: Vec<&str> = mask.split(',').map(str::trim).collect();
    if mask.iter().any(|field| !FIELDS.contains(field)) {
        return Err(ApiError::InvalidArgument("Invalid personFields mask path."));
    }
    let page = Page::read(params, "pageSize", 100, 1000)?;

    let all = resources::contacts(&authorization.person);
    let (shown, next) = page.slice(&all);
    let people: Vec<Value> = shown.iter().map(|contact| connection(contact, &mask)).collect();
    let mut response = json!({
        "connections": people,
        "totalPeople": all.len(),
        "totalItems": all.len(),
    });
    put(&mut response, "nextPageToken", next);
    Ok(Json(response))
}

fn connection(contact: &Contact, mask: &[&str]) -> Value {
    let metadata = json!({
        "primary": true,
        "source": { "type": "CONTACT", "id": contact.id },
    });
    let mut person = json!({ "resourceName": format!("people/{}", contact.id) });
    if mask.contains(&"names") {
        let Contact { given_name, family_name, .. } = contact;
        person["names"] = json!([{
            "metadata": metadata,
            "displayName": format!("{given_name} {family_name}"),
            "familyName": family_name,
            "givenName": given_name,
            "displayNameLastFirst": format!("{family_name}, {given_name}"),
            "unstructuredName": format!("{given_name} {family_name}"),
        }]);
    }
    if let Some(email) = &contact.email
        && mask.contains(&"emailAddresses")
    {
        person["emailAddresses"] = json!([{ "metadata": metadata, "value": email }]);
    }
    person
}
