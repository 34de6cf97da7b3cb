//! The caller's profile and, for administrators, all accounts.

use latchkey_domain::{Role, Scope, User};
use latchkey_store::users;

use super::paging::Paging;
use crate::prelude::*;

/// A user; the same bytes with every credential.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person<'u> {
    /// Never changes.
    #[schema(format = Uuid)]
    id: String,
    /// Their name.
    name: &'u str,
    /// Their e-mail address, if they have one.
    #[schema(format = Email, required)]
    email: Option<String>,
    /// Whether the address is verified.
    email_verified: bool,
    /// Their roles.
    roles: Vec<&'u str>,
    /// When the account was created.
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'u> From<&'u User> for Person<'u> {
    fn from(user: &'u User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.as_str(),
            email: user.email.as_ref().map(ToString::to_string),
            email_verified: user.email_verified,
            roles: user.roles.iter().map(Role::as_str).collect(),
            created_at: user.created_at.rfc3339(),
        }
    }
}

/// Read your profile
///
/// A session takes one database query; a JWT contains the profile as of its
/// issue; an opaque token is introspected at its issuer.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Who you are",
    responses((status = 200, body = Person<'_>), ErrorResponses),
    security(("session" = ["profile"]))
)]
pub(super) async fn read_profile(caller: ApiCaller) -> HandlerResult<Response> {
    caller.require_scope(Scope::Profile)?;
    Ok(Json(Person::from(&*caller.user)).into_response())
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PersonList<'u> {
    items: Vec<Person<'u>>,
    /// The next page’s cursor, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// List all accounts
///
/// For users with the role `admin`.
#[utoipa::path(
    get, path = "/api/v1/admin/users", tag = "Administration", params(Paging),
    responses((status = 200, body = PersonList<'_>), ErrorResponses),
    security(("session" = ["profile"]), ("jwt_cookie" = ["profile"]), ("bearer" = ["profile"]))
)]
pub(super) async fn list_users(
    State(app): State<App>,
    caller: ApiCaller,
    QueryParams(paging): QueryParams<Paging>,
) -> HandlerResult<Response> {
    caller.require_scope(Scope::Profile)?.require_role(&Role::admin())?;
    let page = paging.parse()?;
    let found = users::page(&app.db, page.after, page.fetch_limit()).await?;
    let (found, next) = page.split(found, |user| user.id);
    let items = found.iter().map(Person::from).collect();
    Ok(Json(PersonList { items, next }).into_response())
}
