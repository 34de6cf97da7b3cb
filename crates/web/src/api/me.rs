//! `GET /me`: who is calling.

use axum::Json;
use latchkey_domain::{Scope, User};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::ApiCaller;
use crate::errors::HandlerResult;
use crate::errors::Refusals;

/// A user. The same bytes with every credential.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    /// Never changes.
    #[schema(format = Uuid)]
    id: String,
    /// Their name.
    name: String,
    /// Their e-mail address, if they have one.
    #[schema(format = Email, required)]
    email: Option<String>,
    /// Whether the address is verified.
    email_verified: bool,
    /// Their roles.
    roles: Vec<String>,
    /// When the account was created.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.to_string(),
            email: user.email.as_ref().map(ToString::to_string),
            email_verified: user.email_verified,
            roles: user.roles.iter().map(ToString::to_string).collect(),
            created_at: user.created_at.rfc3339(),
        }
    }
}

/// Read your profile
///
/// Who is calling. A session is looked up with one query; a JWT carries the
/// answer as of its issue; an opaque token is introspected at its issuer.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Who you are",
    responses((status = 200, body = Person), Refusals),
    security(("session" = ["profile"]), ("jwt_cookie" = ["profile"]), ("bearer" = ["profile"]), ("oauth" = ["profile"]))
)]
pub(super) async fn read(caller: ApiCaller) -> HandlerResult<Json<Person>> {
    caller.require_scope(Scope::Profile)?;
    Ok(Json(Person::from(&caller.user)))
}
