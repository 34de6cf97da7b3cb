//! Apps that may use somebody's data here: what the authorization server says
//! of them, on `/connections`, and the end of their access.

use crate::prelude::*;
use latchkey_auth::introspection::{Authorization, Introspection, Unavailable};
use latchkey_domain::{Subject, UserId};
use latchkey_store::identities;

/// What `/connections` says about other apps.
#[derive(Debug)]
pub(crate) struct ConnectedApps {
    /// What to call the server that lets them in, where there is one.
    pub(super) server: Option<String>,
    pub(super) apps: Apps,
}

/// The apps, as far as they are known.
#[derive(Debug)]
pub(crate) enum Apps {
    NotTaken,
    /// The server does not tell us; it has a page of its own for that.
    NotTold,
    /// It does not answer at the moment, or was asked too often.
    Unknown,
    These(Vec<Authorization>),
}

/// An authorization server that does not answer is no error: the rest of the
/// page is as good as ever.
pub(crate) async fn listed(
    app: &Application,
    user: UserId,
    subjects: Vec<String>,
) -> ConnectedApps {
    let Some(introspection) = &app.introspection else {
        return ConnectedApps { server: None, apps: Apps::NotTaken };
    };
    let apps = match app.limits.check_call(user) {
        Err(_) => Apps::Unknown,
        Ok(()) => match of_user(app, introspection, user, subjects).await {
            Ok(Some(all)) => Apps::These(all),
            Ok(None) => Apps::NotTold,
            Err(unavailable) => {
                tracing::warn!(error = %unavailable, "the apps of a person could not be listed");
                Apps::Unknown
            }
        },
    };
    ConnectedApps { server: Some(server(app, introspection)), apps }
}

/// What to call the authorization server, and where people find it.
fn server(app: &Application, introspection: &Introspection) -> String {
    let local = app.settings.introspection.as_ref().is_some_and(|set| set.local);
    match introspection.url().host_str() {
        _ if local => "the local provider".to_owned(),
        Some(host) => host.to_owned(),
        None => "the authorization server".to_owned(),
    }
}

/// All that somebody let in, by each identity that they have at the issuer; by
/// their id here when they have none.
async fn of_user(
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
            Some(some) => all.extend(some),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

#[derive(Debug, Deserialize)]
pub(crate) struct EndForm {
    id: String,
}

/// `POST /connections/apps/end`: one of one's own, and no other.
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<EndForm>,
) -> HandlerResult<Redirect> {
    caller.require_active(&app).await?;
    let back = || Action::link("Go to your connections", "/connections#apps");
    let gone = || {
        let detail = "No app with this ID has access; it may already be revoked.";
        AppError::new(catalogue::NOT_FOUND).detail(detail).action(back())
    };
    let unavailable = |error: Unavailable| {
        tracing::warn!(%error, "an app's access could not be ended");
        AppError::new(catalogue::ACCESS_NOT_ENDED).retry_after(error.retry_after()).action(back())
    };
    let introspection = app.introspection.as_ref().ok_or_else(gone)?;
    let user = caller.user.id;
    app.limits.check_call(user)?;
    let identities = identities::of_user(&app.db, user).await?;
    let at_issuer =
        identities.into_iter().filter(|one| Some(&*one.issuer) == introspection.issuer());
    let subjects = at_issuer.map(|one| one.subject).collect();
    let all = of_user(&app, introspection, user, subjects).await.map_err(unavailable)?;
    let one = all.into_iter().flatten().find(|one| one.id == form.id).ok_or_else(gone)?;
    introspection.revoke(&one.id, &app.clock).await.map_err(unavailable)?;
    audit::by_person(&app, Kind::AccessEnded, user, one.app, &client).await;
    Ok(Redirect::to("/connections?done=ended#apps"))
}
