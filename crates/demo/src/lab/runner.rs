//! Runs attacks in the background and keeps the latest report of each.

use latchkey_auth::oauth::{Kind, OpenId};
use latchkey_domain::Email;
use latchkey_lab::attacks::{self, Attack, Report};
use latchkey_lab::{InstanceFactory, LocalProvider, Target};
use latchkey_store::users;
use latchkey_web::app::{App, Application};
use url::Url;

use crate::job::Job;

/// Keyed by the ID of the attack.
pub(crate) type Reports = Job<&'static str, Report, Progress>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) done: usize,
    pub(crate) total: usize,
}

/// Has no effect while a run is in progress.
pub(super) fn start(
    reports: &Reports,
    app: &App,
    factory: Box<dyn InstanceFactory>,
    attacks: Vec<&'static Attack>,
) {
    let Some(run) = reports.start(Progress { done: 0, total: attacks.len() }) else { return };
    for attack in &attacks {
        run.remove(&attack.id);
    }
    let app = app.clone();
    tokio::spawn(async move {
        // Left by an interrupted run or by another process.
        let _ = delete_test_users(&app).await;
        let on_report = |attack: &'static Attack, report| {
            run.insert(attack.id, report);
            run.update(|progress| progress.done += 1);
        };
        attacks::run(&target(&app), factory.as_ref(), &attacks, &on_report).await;
        let problem = delete_test_users(&app).await;
        if let Some(problem) = &problem {
            tracing::warn!(problem, "the attack lab left test users behind");
        }
        run.finish(problem);
    });
}

/// Deletes the users of all runs, including interrupted ones. Returns what failed.
async fn delete_test_users(app: &Application) -> Option<String> {
    let users = match users::by_email_domain(&app.db, attacks::DOMAIN).await {
        Ok(users) => users,
        Err(error) => return Some(format!("the test users could not be listed: {error}")),
    };
    let mut failed = Vec::new();
    for user in users {
        let email = user.email.as_ref().map_or("", Email::as_str);
        if attacks::is_made_up(email)
            && let Err(error) = app.delete_account(user.id).await
        {
            failed.push(format!("{email}: {error}"));
        }
    }
    (!failed.is_empty()).then(|| failed.join("; "))
}

/// This instance, as an attacker reaches it.
pub(crate) fn target(app: &Application) -> Target {
    let google = app.settings.providers.iter().find(|one| one.local && one.slug == "google");
    let provider = google.and_then(|google| {
        let Kind::OpenId(OpenId { issuer, .. }) = &google.kind else { return None };
        Some(LocalProvider {
            google: Url::parse(issuer).ok()?,
            client_id: google.client_id.clone(),
            client_secret: google.client_secret.expose().to_owned(),
            redirect_uri: app.settings.absolute("/auth/google/callback"),
        })
    });
    Target { app: app.settings.public_url.clone(), provider }
}
