//! The caller's sign-ins, with any credential.

use crate::prelude::*;
use latchkey_axum::end_sign_in;
use latchkey_domain::{Scope, SignIn, SignInId};
use latchkey_store::sign_ins;

/// A sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignIn)]
pub(super) struct SignInResponse {
    /// Its ID; not a secret.
    #[schema(format = Uuid)]
    id: String,
    /// Its credential: `session` or `jwt`.
    key: String,
    /// The sign-in method: `password`, or `oauth:` and the provider.
    door: String,
    /// The `User-Agent` of the browser or program.
    user_agent: String,
    /// Its IP address.
    address: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// When it expires, even if it is used.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Whether this request uses it. An app’s token uses none.
    current: bool,
}

impl SignInResponse {
    fn of(sign_in: &SignIn, current: Option<SignInId>) -> Self {
        Self {
            id: sign_in.id.to_string(),
            key: sign_in.credential.to_string(),
            door: sign_in.method.to_string(),
            user_agent: sign_in.user_agent.clone(),
            address: sign_in.address.clone(),
            created_at: sign_in.created_at.rfc3339(),
            last_seen_at: sign_in.last_seen_at.rfc3339(),
            expires_at: sign_in.expires_at.rfc3339(),
            current: Some(sign_in.id) == current,
        }
    }
}

/// All active sign-ins.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignInList {
    items: Vec<SignInResponse>,
}

/// List your sign-ins
///
/// All active ones, with any credential, most recently used first.
#[utoipa::path(
    get, path = "/api/v1/sessions", tag = "Who you are",
    responses((status = 200, body = SignInList), ErrorResponses),
    security(("session" = ["profile"]))
)]
pub(super) async fn list_sessions(
    State(app): State<App>,
    caller: ApiCaller,
) -> HandlerResult<Json<SignInList>> {
    caller.require_scope(Scope::Profile)?;
    let now = app.clock.now();
    let active = sign_ins::list_active(&app.db, caller.user.id, app.settings.session, now).await?;
    let current = caller.sign_in_id();
    Ok(Json(SignInList {
        items: active.iter().map(|one| SignInResponse::of(one, current)).collect(),
    }))
}

/// Revoke a sign-in
///
/// A session stops working at its next request. A JWT can no longer be refreshed,
/// and works until it expires unless JWT_REVOCATION is watch. Apps with the
/// scope profile can do this for you; your account page shows which one did.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", tag = "Who you are",
    params(("id" = String, Path, format = Uuid, description = "The sign-in")),
    responses((status = 204, description = "The sign-in is revoked"), ErrorResponses),
    security(("session" = ["profile"]))
)]
pub(super) async fn revoke_session(
    State(app): State<App>,
    caller: ApiCaller,
    client: Client,
    PathId(id): PathId<SignInId>,
) -> HandlerResult<StatusCode> {
    caller.require_scope(Scope::Profile)?;
    if end_sign_in(&app, id, caller.user.id).await? {
        let by = caller.app().map(|app| format!("through the app {app}")).unwrap_or_default();
        audit::record_by_user(&app, Kind::SignInEnded, caller.user.id, by, &client).await;
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(AppError::new(catalogue::NOT_FOUND).detail("You have no active sign-in with this ID."))
    }
}
