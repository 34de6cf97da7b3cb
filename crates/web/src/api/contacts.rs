//! The caller's contacts.

use latchkey_auth::random;
use latchkey_axum::JsonBody;
use latchkey_domain::contact::{Contact, Details};
use latchkey_domain::{ContactId, Scope};
use latchkey_store::contacts;

use super::paging::Paging;
use crate::prelude::*;

/// Per account.
const MAX_CONTACTS: i64 = 1000;

/// A contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(super) struct ContactResponse {
    #[schema(format = Uuid)]
    id: String,
    name: String,
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<&Contact> for ContactResponse {
    fn from(contact: &Contact) -> Self {
        Self {
            id: contact.id.to_string(),
            name: contact.details.name.clone(),
            email: contact.details.email.as_ref().map(ToString::to_string),
            phone: contact.details.phone.clone(),
            created_at: contact.created_at.rfc3339(),
            updated_at: contact.updated_at.rfc3339(),
        }
    }
}

/// A page of contacts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContactList {
    items: Vec<ContactResponse>,
    /// The next page’s cursor, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// The contact’s new content.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ContactDetails {
    /// 1 to 200 characters, without control characters and not only spaces.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// An e-mail address.
    email: Option<String>,
    /// At most 40 digits, spaces and + - . ( ) /, with at least one digit; or empty.
    #[schema(max_length = 40, pattern = r"^( *|[0-9 +\-.()/]*[0-9][0-9 +\-.()/]*)$")]
    phone: Option<String>,
}

impl ContactDetails {
    fn validate(&self) -> HandlerResult<Details> {
        Details::check(&self.name, self.email.as_deref(), self.phone.as_deref())
            .map_err(|invalid| AppError::new(catalogue::VALIDATION_FAILED).invalid(invalid))
    }
}

/// List contacts
#[utoipa::path(
    get, path = "/api/v1/contacts", tag = "Contacts", params(Paging),
    responses((status = 200, body = ContactList), ErrorResponses),
    security(("session" = ["contacts:read"]))
)]
pub(super) async fn list_contacts(
    State(app): State<App>,
    caller: ApiCaller,
    QueryParams(paging): QueryParams<Paging>,
) -> HandlerResult<Json<ContactList>> {
    caller.require_scope(Scope::ContactsRead)?;
    let page = paging.parse()?;
    let found = contacts::page(&app.db, caller.user.id, page.after, page.fetch_limit()).await?;
    let (found, next) = page.split(found, |contact| contact.id);
    Ok(Json(ContactList { items: found.iter().map(ContactResponse::from).collect(), next }))
}

/// Add a contact
#[utoipa::path(
    post, path = "/api/v1/contacts", tag = "Contacts", request_body = ContactDetails,
    responses(
        (status = 201, body = ContactResponse, headers(("Location" = String, description = "The contact’s address"))),
        ErrorResponses
    ),
    security(("session" = ["contacts:write"]))
)]
pub(super) async fn create_contact(
    State(app): State<App>,
    caller: ApiCaller,
    JsonBody(details): JsonBody<ContactDetails>,
) -> HandlerResult<impl IntoResponse> {
    caller.require_scope(Scope::ContactsWrite)?;
    let details = details.validate()?;
    if contacts::count(&app.db, caller.user.id).await? >= MAX_CONTACTS {
        return Err(AppError::new(catalogue::TOO_MANY_CONTACTS));
    }
    let now = app.clock.now();
    let contact = Contact {
        id: ContactId::new(now, random::bytes()),
        user_id: caller.user.id,
        details,
        created_at: now,
        updated_at: now,
    };
    contacts::create(&app.db, &contact).await?;
    let location = [(header::LOCATION, format!("/api/v1/contacts/{}", contact.id))];
    Ok((StatusCode::CREATED, location, Json(ContactResponse::from(&contact))))
}

/// Read a contact
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}", tag = "Contacts",
    params(("id" = String, Path, format = Uuid, description = "The contact")),
    responses((status = 200, body = ContactResponse), ErrorResponses),
    security(("session" = ["contacts:read"]))
)]
pub(super) async fn read_contact(
    State(app): State<App>,
    caller: ApiCaller,
    PathId(id): PathId<ContactId>,
) -> HandlerResult<Json<ContactResponse>> {
    caller.require_scope(Scope::ContactsRead)?;
    let found = contacts::one(&app.db, caller.user.id, id).await?;
    found.map(|contact| Json(ContactResponse::from(&contact))).ok_or_else(no_such_contact)
}

/// Replace a contact
#[utoipa::path(
    put, path = "/api/v1/contacts/{id}", tag = "Contacts", request_body = ContactDetails,
    params(("id" = String, Path, format = Uuid, description = "The contact")),
    responses((status = 200, body = ContactResponse), ErrorResponses),
    security(("session" = ["contacts:write"]))
)]
pub(super) async fn update_contact(
    State(app): State<App>,
    caller: ApiCaller,
    PathId(id): PathId<ContactId>,
    JsonBody(details): JsonBody<ContactDetails>,
) -> HandlerResult<Json<ContactResponse>> {
    caller.require_scope(Scope::ContactsWrite)?;
    let details = details.validate()?;
    let changed = contacts::update(&app.db, caller.user.id, id, &details, app.clock.now()).await?;
    changed.map(|contact| Json(ContactResponse::from(&contact))).ok_or_else(no_such_contact)
}

/// Delete a contact
#[utoipa::path(
    delete, path = "/api/v1/contacts/{id}", tag = "Contacts",
    params(("id" = String, Path, format = Uuid, description = "The contact")),
    responses((status = 204, description = "The contact is deleted"), ErrorResponses),
    security(("session" = ["contacts:write"]))
)]
pub(super) async fn delete_contact(
    State(app): State<App>,
    caller: ApiCaller,
    PathId(id): PathId<ContactId>,
) -> HandlerResult<StatusCode> {
    caller.require_scope(Scope::ContactsWrite)?;
    let deleted = contacts::delete(&app.db, caller.user.id, id).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(no_such_contact()) }
}

/// Also for a contact of another account, so that its existence stays private.
fn no_such_contact() -> AppError {
    AppError::new(catalogue::NOT_FOUND).detail("You have no contact with this ID.")
}
