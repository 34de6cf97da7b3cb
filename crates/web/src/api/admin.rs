//! What only administrators see.

use axum::Json;
use axum::extract::State;
use latchkey_domain::{Role, Scope};
use latchkey_store::users;
use serde::Serialize;
use utoipa::ToSchema;

use super::me::Person;
use super::paging::Paging;
use crate::app::App;
use crate::caller::ApiCaller;
use crate::errors::HandlerResult;
use crate::errors::Refusals;
use crate::extract::QueryParams;

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PersonList {
    items: Vec<Person>,
    /// The next page’s cursor, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// List all accounts
///
/// For users with the role `admin`.
#[utoipa::path(
    get, path = "/api/v1/admin/users", tag = "Administration", params(Paging),
    responses((status = 200, body = PersonList), Refusals),
    security(("session" = ["profile"]), ("jwt_cookie" = ["profile"]), ("bearer" = ["profile"]))
)]
pub(super) async fn users(
    State(app): State<App>,
    caller: ApiCaller,
    QueryParams(paging): QueryParams<Paging>,
) -> HandlerResult<Json<PersonList>> {
    caller.require_scope(Scope::Profile)?.require_role(&Role::admin())?;
    let part = paging.check()?;
    let found = users::page(&app.db, part.after, part.fetch()).await?;
    let (found, next) = part.cut(found, |user| user.id);
    Ok(Json(PersonList { items: found.iter().map(Person::from).collect(), next }))
}
