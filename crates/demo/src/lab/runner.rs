//! One run of attacks on this instance at a time, in the background; how each
//! attack went the last time is kept.

use latchkey_auth::oauth::{Kind, OpenId};
use latchkey_domain::Email;
use latchkey_lab::attacks::{self, Attack, Report};
use latchkey_lab::{InstanceFactory, LocalProvider, Target};
use latchkey_store::users;
use latchkey_web::app::{App, Application};
use url::Url;

use crate::job::Job;

/// By the name of the attack.
pub(crate) type Reports = Job<&'static str, Report, Progress>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) done: usize,
    pub(crate) wanted: usize,
}

/// Runs these attacks, unless a run is under way.
pub(super) fn start(
    reports: &Reports,
    app: &App,
    factory: Box<dyn InstanceFactory>,
    attacks: Vec<&'static Attack>,
) {
    let Some(run) = reports.begin(Progress { done: 0, wanted: attacks.len() }) else { return };
    for attack in &attacks {
        run.forget(&attack.id);
    }
    let app = app.clone();
    tokio::spawn(async move {
        // Whoever a run left behind that broke off, or another program.
        let _ = clear_away(&app).await;
        let keep = |attack: &'static Attack, report| {
            run.keep(attack.id, report);
            run.update(|progress| progress.done += 1);
        };
        attacks::run(&target(&app), factory.as_ref(), &attacks, &keep).await;
        let left_over = clear_away(&app).await;
        if let Some(left_over) = &left_over {
            tracing::warn!(left_over, "the attack lab could not clear away everything");
        }
        run.end(left_over);
    });
}

/// Deletes everybody who was made up for a run. Through the database, so that an
/// attack that was cut off leaves nobody behind either. What is left, in words.
async fn clear_away(app: &Application) -> Option<String> {
    let people = match users::by_email_domain(&app.db, attacks::DOMAIN).await {
        Ok(people) => people,
        Err(error) => return Some(format!("the test users could not be listed: {error}")),
    };
    let mut left = Vec::new();
    for user in people {
        let email = user.email.as_ref().map_or("", Email::as_str);
        if attacks::is_made_up(email)
            && let Err(error) = app.delete_account(user.id).await
        {
            left.push(format!("{email}: {error}"));
        }
    }
    (!left.is_empty()).then(|| left.join("; "))
}

/// This very instance, as anybody can reach it.
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
