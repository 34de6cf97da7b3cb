//! The calendar, read-only.

use latchkey_domain::Scope;
use latchkey_domain::calendar::Event;
use latchkey_store::events;

use super::paging::Paging;
use crate::prelude::*;

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventResponse {
    #[schema(format = Uuid)]
    id: String,
    title: String,
    #[schema(required)]
    location: Option<String>,
    #[schema(format = DateTime)]
    starts_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
}

impl From<&Event> for EventResponse {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            title: event.title.clone(),
            location: event.location.clone(),
            starts_at: event.starts_at.rfc3339(),
            ends_at: event.ends_at.rfc3339(),
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventList {
    items: Vec<EventResponse>,
    /// The next page’s cursor, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// Read your calendar
///
/// Your events, in the order they were added.
#[utoipa::path(
    get, path = "/api/v1/calendar/events", tag = "Calendar", params(Paging),
    responses((status = 200, body = EventList), ErrorResponses),
    security(("session" = ["calendar:read"]))
)]
pub(super) async fn list_events(
    State(app): State<App>,
    caller: ApiCaller,
    QueryParams(paging): QueryParams<Paging>,
) -> HandlerResult<Json<EventList>> {
    caller.require_scope(Scope::CalendarRead)?;
    let page = paging.parse()?;
    let found = events::page(&app.db, caller.user.id, page.after, page.fetch_limit()).await?;
    let (found, next) = page.split(found, |event| event.id);
    Ok(Json(EventList { items: found.iter().map(EventResponse::from).collect(), next }))
}
