//! Background jobs: periodic clean-up, revocation, e-mail, and changes by other processes.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey_domain::Span;
use latchkey_store::connections::ending;
use latchkey_store::{authorization_responses, sign_ins};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::mail_queue;

const DELETE_EXPIRED_EVERY: Span = Span::minutes(10);
const RELEASE_MEMORY_EVERY: Span = Span::seconds(5);
const EVICT_RATE_LIMITS_EVERY: Span = Span::minutes(1);
const REVOKE_GRANTS_EVERY: Span = Span::seconds(2);

/// How often changes by other processes are read when no notification comes: one may
/// be lost with its database connection.
const POLL_CHANGES_EVERY: Duration = Duration::from_secs(15);

/// Changes that are notified within this time are read together.
const DEBOUNCE: Duration = Duration::from_millis(400);

const AUDIT_KEPT: Span = Span::days(180);
const FAILED_EMAILS_KEPT: Span = Span::days(7);
const ENDED_SIGN_INS_KEPT: Span = Span::days(1);

#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
    stopped: watch::Receiver<bool>,
}

impl Background {
    pub(crate) fn new(stopped: watch::Receiver<bool>) -> Self {
        Self { tasks: JoinSet::new(), stopped }
    }

    /// Runs a job now and after each interval, until the process stops.
    pub fn every<F, Fut>(&mut self, interval: Span, mut job: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let mut stopped = self.stopped.clone();
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(interval.into());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                }
                job().await;
            }
        });
    }

    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    pub(crate) async fn join(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

pub(crate) fn start(jobs: &mut Background, app: &App) {
    jobs.every(DELETE_EXPIRED_EVERY, with(app, delete_expired));
    jobs.every(DELETE_EXPIRED_EVERY, with(app, reencrypt_tokens));
    jobs.every(RELEASE_MEMORY_EVERY, with(app, async |app: App| app.hasher.release_idle()));
    jobs.every(EVICT_RATE_LIMITS_EVERY, with(app, async |app: App| app.limits.evict()));
    let grants_pending = Arc::new(AtomicBool::new(true));
    // A job for each provider: one that hangs does not delay the others.
    for n in 0..app.providers.len() {
        let (app, stopped, pending) = (app.clone(), jobs.stopped.clone(), grants_pending.clone());
        jobs.every(REVOKE_GRANTS_EVERY, move || {
            revoke_grants(app.clone(), n, pending.load(Ordering::Relaxed), stopped.clone())
        });
    }
    jobs.spawn(follow_changes(app.clone(), grants_pending, jobs.stopped.clone()));
    jobs.spawn(mail_queue::run(app.clone(), jobs.stopped.clone()));
}

fn with<F: Fn(App) -> Fut, Fut>(app: &App, job: F) -> impl FnMut() -> Fut + use<F, Fut> {
    let app = app.clone();
    move || job(app.clone())
}

async fn delete_expired(app: App) {
    let (db, now) = (&app.db, app.clock.now());
    let sign_ins_ended = now.minus(ENDED_SIGN_INS_KEPT);
    let emails_failed = now.minus(FAILED_EMAILS_KEPT);
    let attempts_expired = now.minus(latchkey_auth::oauth::attempt::LIFETIME);
    log_failure("sign-ins", sign_ins::forget(db, sign_ins_ended).await);
    log_failure("audit events", latchkey_store::audit::forget(db, now.minus(AUDIT_KEPT)).await);
    log_failure("links", latchkey_store::email_tokens::forget(db, now).await);
    log_failure("failed e-mails", latchkey_store::emails::forget(db, emails_failed).await);
    log_failure("OAuth responses", authorization_responses::forget(db, attempts_expired).await);
    log_failure("failed attempts", latchkey_store::failed_attempts::forget(db, now).await);
    log_failure("signing keys", app.keys.prune(now).await);
}

fn log_failure<T, E: std::fmt::Display>(rows: &str, result: Result<T, E>) {
    if let Err(error) = result {
        tracing::warn!(%error, "expired {rows} could not be deleted");
    }
}

/// Retries the revocation of disconnected grants. Its state is in the database, so it
/// can be cancelled at any time, and only one process revokes each grant.
async fn revoke_grants(
    app: App,
    provider: usize,
    any_pending: bool,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(provider) = app.providers.get(provider).filter(|_| any_pending) else { return };
    tokio::select! {
        revoked = app.connections.revoke_due(provider) => if let Err(error) = revoked {
            tracing::warn!(%error, "grants to revoke could not be read");
        },
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// Re-encrypts provider tokens after a rotation of `APP_SECRET`, including those that a
/// process with the old secrets has written since.
async fn reencrypt_tokens(app: App) {
    match app.connections.vault().reencrypt_all(&app.db).await {
        Ok(done) if done.reencrypted + done.lost > 0 => {
            tracing::info!(
                reencrypted = done.reencrypted,
                lost = done.lost,
                "provider tokens re-encrypted"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "provider tokens could not be re-encrypted"),
    }
}

/// Follows changes by other processes: ended sign-ins, rotated keys, grants to revoke.
async fn follow_changes(
    app: App,
    grants_pending: Arc<AtomicBool>,
    mut stopped: watch::Receiver<bool>,
) {
    let changes = app.db.changes();
    loop {
        read_changes(&app, &grants_pending).await;
        let notification = async {
            tokio::time::sleep(DEBOUNCE).await;
            changes.next().await;
        };
        tokio::select! {
            _ = tokio::time::timeout(POLL_CHANGES_EVERY, notification) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Changes nothing when the database is unreachable.
async fn read_changes(app: &App, grants_pending: &AtomicBool) {
    match app.revoked.poll(&app.db, app.clock.now()).await {
        Ok(()) => app.metrics.revocations_polled(app.clock.uptime()),
        Err(error) => tracing::warn!(%error, "revocations could not be read"),
    }
    if let Err(error) = app.keys.reload().await {
        tracing::warn!(%error, "the key ring could not be reloaded");
    }
    if app.providers.is_empty() {
        return;
    }
    match ending::is_any(&app.db).await {
        Ok(any) => grants_pending.store(any, Ordering::Relaxed),
        Err(error) => tracing::warn!(%error, "grants to revoke could not be counted"),
    }
}
