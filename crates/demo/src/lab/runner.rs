//! One run at a time, in the background; what came of it is kept in memory.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::Arc;

use latchkey_auth::oauth::{Kind, OpenId};
use latchkey_domain::Email;
use latchkey_lab::attacks::{self, Attack, LocalProvider, Report, Target};
use latchkey_store::users;
use url::Url;

use latchkey_web::app::{App, Application};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) done: usize,
    pub(crate) wanted: usize,
}

/// How the attacks went, and whether a run is under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runner(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    reports: HashMap<&'static str, Report>,
    running: Option<Progress>,
    left_over: Option<String>,
}

impl Runner {
    /// How this attack went the last time.
    pub(crate) fn report(&self, attack: &Attack) -> Option<Report> {
        self.state().reports.get(attack.id).cloned()
    }

    /// How far a run is, if one is under way.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.state().running
    }

    /// What the last run could not clear away.
    pub(crate) fn left_over(&self) -> Option<String> {
        self.state().left_over.clone()
    }

    /// Begins a run, unless one is under way.
    fn begin(&self, attacks: &[&'static Attack]) -> bool {
        let mut state = self.state();
        if state.running.is_some() {
            return false;
        }
        for attack in attacks {
            state.reports.remove(attack.id);
        }
        state.running = Some(Progress { done: 0, wanted: attacks.len() });
        state.left_over = None;
        true
    }

    fn note(&self, attack: &'static Attack, report: Report) {
        let mut state = self.state();
        state.reports.insert(attack.id, report);
        if let Some(progress) = &mut state.running {
            progress.done += 1;
        }
    }

    fn end(&self, left_over: Option<String>) {
        let mut state = self.state();
        state.running = None;
        state.left_over = left_over;
    }

    /// Runs these attacks, unless a run is under way.
    pub(crate) fn start(&self, app: &App, attacks: Vec<&'static Attack>) {
        if !self.begin(&attacks) {
            return;
        }
        let (app, running) = (app.clone(), Running(self.clone()));
        tokio::spawn(async move {
            let tell = |attack, report| running.0.note(attack, report);
            // Whoever a run left behind that broke off, or another program.
            let _ = clear_away(&app).await;
            attacks::run(&target(&app), &attacks, &tell).await;
            let left_over = clear_away(&app).await;
            if let Some(left_over) = &left_over {
                tracing::warn!(left_over, "the attack lab could not clear away everything");
            }
            running.0.end(left_over);
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// Ends a run however it ends: after a panic, too, there can be another.
struct Running(Runner);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.progress().is_some() {
            self.0.end(Some("the run was interrupted".to_owned()));
        }
    }
}

/// Deletes everybody who was made up for a run. Through the database, so that an
/// attack that was cut off leaves nobody behind either. What is left, in words.
async fn clear_away(app: &Application) -> Option<String> {
    let people = match users::at_domain(&app.db, attacks::DOMAIN).await {
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
