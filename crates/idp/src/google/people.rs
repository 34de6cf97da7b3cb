//! The People API, `people.connections.list`.

use axum::{Json, extract::State, http::HeaderMap};
use serde_json::{Value, json};

use super::api::{ApiError, Method, Page, authorize, put};
use crate::{
    app::Shared,
    belongings::contacts::{Contact, contacts},
    protocol::{
        params::{Params, ParamsError},
        scopes::CONTACTS,
    },
};

const LIST: Method = Method {
    service: "people.googleapis.com",
    name: "google.people.v1.PeopleService.ListConnections",
    scope: CONTACTS,
};

/// The fields that are known here, beside those that every answer has.
const FIELDS: [&str; 3] = ["names", "emailAddresses", "metadata"];

/// `GET /google/people/v1/people/me/connections`
pub(super) async fn connections(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Result<Json<Value>, ApiError> {
    let authorization = authorize(&app, &headers, &LIST)?;
    let params = params.map_err(|error| ApiError::InvalidArgument(error.sentence()))?;
    let mask: Vec<&str> = params
        .get("personFields")
        .ok_or(ApiError::InvalidArgument(
            "personFields mask is required. Please specify one or more valid paths.",
        ))?
        .split(',')
        .map(str::trim)
        .collect();
    if mask.iter().any(|field| !FIELDS.contains(field)) {
        return Err(ApiError::InvalidArgument("Invalid personFields mask path."));
    }
    let page = Page::read(&params, "pageSize", 100, 1000)?;

    let all = contacts(&authorization.person);
    let (shown, next) = page.of(&all);
    let people: Vec<Value> = shown.iter().map(|contact| person(contact, &mask)).collect();
    let mut answer = json!({
        "connections": people,
        "totalPeople": all.len(),
        "totalItems": all.len(),
    });
    put(&mut answer, "nextPageToken", next);
    Ok(Json(answer))
}

fn person(contact: &Contact, mask: &[&str]) -> Value {
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
