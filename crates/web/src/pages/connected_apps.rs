//! Third-party apps with access to the user's data here: listed on `/connections` by
//! the authorization server, which can revoke their access.

use crate::prelude::*;
use latchkey_auth::introspection::{Authorization, Introspection, Unavailable};
use latchkey_domain::{Subject, UserId};
use latchkey_store::identities;

#[derive(Debug)]
pub(crate) struct ConnectedApps {
    /// The label of the authorization server, if there is one.
    pub(super) server: Option<String>,
    pub(super) apps: Apps,
}

#[derive(Debug)]
pub(crate) enum Apps {
    /// Tokens of other apps are not accepted.
    Unsupported,
    /// The server offers no list; users manage apps on its own page.
    NoList,
    /// The server does not answer, or was asked too often.
    Unavailable,
    Listed(Vec<Authorization>),
}

/// An unavailable authorization server is not an error: the rest of the page works.
pub(crate) async fn list(app: &Application, user: UserId, subjects: Vec<String>) -> ConnectedApps {
    let Some(introspection) = &app.introspection else {
        return ConnectedApps { server: None, apps: Apps::Unsupported };
    };
    let apps = match app.limits.check_call(user) {
        Err(_) => Apps::Unavailable,
        Ok(()) => match authorizations(app, introspection, user, subjects).await {
            Ok(Some(all)) => Apps::Listed(all),
            Ok(None) => Apps::NoList,
            Err(unavailable) => {
                tracing::warn!(error = %unavailable, "the apps of a user could not be listed");
                Apps::Unavailable
            }
        },
    };
    ConnectedApps { server: Some(server_label(app, introspection)), apps }
}

fn server_label(app: &Application, introspection: &Introspection) -> String {
    let local = app.settings.introspection.as_ref().is_some_and(|set| set.local);
    match introspection.url().host_str() {
        _ if local => "the local provider".to_owned(),
        Some(host) => host.to_owned(),
        None => "the authorization server".to_owned(),
    }
}

/// For each identity that the user has at the issuer, or for the user's ID here if there
/// is none.
async fn authorizations(
    app: &Application,
    introspection: &Introspection,
    user: UserId,
    mut subjects: Vec<String>,
) -> Result<Option<Vec<Authorization>>, Unavailable> {
    if subjects.is_empty() {
        subjects.push(user.to_string());
    }
    let mut all = Vec::new();
    for subject in subjects.into_iter().filter_map(|subject| Subject::new(subject).ok()) {
        match introspection.authorizations(&subject, &app.clock).await? {
            Some(listed) => all.extend(listed),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

#[derive(Debug, Deserialize)]
pub(crate) struct EndForm {
    id: String,
}

/// `POST /connections/apps/end`: revokes an app's access to the caller's data.
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<EndForm>,
) -> HandlerResult<Redirect> {
    caller.require_active(&app).await?;
    let back = || Action::link("Go to your connections", "/connections#apps");
    let not_found = || {
        let detail = "No app with this ID has access; it may already be revoked.";
        AppError::new(catalogue::NOT_FOUND).detail(detail).action(back())
    };
    let unavailable = |error: Unavailable| {
        tracing::warn!(%error, "an app's access could not be revoked");
        AppError::new(catalogue::ACCESS_NOT_ENDED).retry_after(error.retry_after()).action(back())
    };
    let introspection = app.introspection.as_ref().ok_or_else(not_found)?;
    let user = caller.user.id;
    app.limits.check_call(user)?;
    let identities = identities::of_user(&app.db, user).await?;
    let at_issuer =
        identities.into_iter().filter(|one| Some(&*one.issuer) == introspection.issuer());
    let subjects = at_issuer.map(|one| one.subject).collect();
    let all = authorizations(&app, introspection, user, subjects).await.map_err(unavailable)?;
    let one = all.into_iter().flatten().find(|one| one.id == form.id).ok_or_else(not_found)?;
    introspection.revoke(&one.id, &app.clock).await.map_err(unavailable)?;
    audit::record_by_user(&app, Kind::AccessEnded, user, one.app, &client).await;
    Ok(Redirect::to("/connections?done=ended#apps"))
}
