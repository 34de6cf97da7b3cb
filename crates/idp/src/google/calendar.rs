//! The Calendar API, `Events: list`.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::api::{ApiError, Method, Page, authorize, put};
use crate::{
    Provider,
    app::Shared,
    belongings::calendar::{Event, events},
    clock::Timestamp,
    people::Person,
    protocol::{
        params::{Params, ParamsError},
        scopes::CALENDAR,
    },
};

const LIST: Method = Method {
    service: "calendar-json.googleapis.com",
    name: "calendar.v3.Events.List",
    scope: CALENDAR,
};

/// `GET /google/calendar/v3/calendars/{calendar}/events`
pub(super) async fn list(
    State(app): State<Shared>,
    Path(calendar): Path<String>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Json<Value>, ApiError> {
    let authorization = authorize(&app, &headers, &LIST)?;
    let params = params.map_err(|error| ApiError::InvalidArgument(error.sentence()))?;
    let person = &authorization.person;
    let name = calendar_name(person);
    if calendar != "primary" && calendar != name {
        return Err(ApiError::NotFound);
    }
    let (from, to) = (time_of(&params, "timeMin")?, time_of(&params, "timeMax")?);
    let page = Page::read(&params, "maxResults", 250, 2500)?;

    let now = app.now();
    let mut found = events(person, now);
    found.retain(|event| {
        from.is_none_or(|from| event.end > from) && to.is_none_or(|to| event.start < to)
    });
    let (shown, next) = page.of(&found);
    let items: Vec<Value> = shown.iter().map(|event| item(event, &name, app.origin())).collect();
    let mut answer = json!({
        "kind": "calendar#events",
        "summary": name,
        "updated": instant(now),
        "timeZone": "UTC",
        "accessRole": "owner",
        "defaultReminders": [{ "method": "popup", "minutes": 10 }],
        "items": items,
    });
    put(&mut answer, "nextPageToken", next);
    Ok(Json(answer))
}

/// A primary calendar is called after the address of its owner.
fn calendar_name(person: &Person) -> String {
    let email = person.email_at(Provider::Google);
    email.map_or_else(|| person.name.clone(), |email| email.address.clone())
}

fn item(event: &Event, owner: &str, origin: &str) -> Value {
    let (start, end) = match event.all_day {
        // The end is the day after: it is exclusive.
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

fn time_of(params: &Params, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = params.get(name) else {
        return Ok(None);
    };
    let instant = OffsetDateTime::parse(value, &Rfc3339).ok();
    let seconds = instant.and_then(|instant| u64::try_from(instant.unix_timestamp()).ok());
    match seconds {
        Some(seconds) => Ok(Some(Timestamp(seconds))),
        None => Err(ApiError::InvalidArgument("timeMin and timeMax are RFC 3339 timestamps.")),
    }
}

fn instant(at: Timestamp) -> String {
    date_time(at).and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

fn day(at: Timestamp) -> String {
    date_time(at).map(|at| at.date().to_string()).unwrap_or_default()
}

fn date_time(at: Timestamp) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(at.0).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}
