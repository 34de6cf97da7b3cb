//! What goes on beside the requests, so that none of it is on their path.

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

/// How often what has expired is swept away.
const SWEEP_EVERY: Span = Span::minutes(10);

/// How often what other processes write is read if none of them says anything:
/// an announcement may be lost with a connection.
const CATCH_UP_EVERY: Duration = Duration::from_secs(15);

/// How long news is let gather before it is read again.
const GATHER: Duration = Duration::from_millis(400);

/// How often grants that were ended, and are not over, are looked at.
const END_EVERY: Span = Span::seconds(2);

/// How often memory that password hashing no longer needs is given back.
const RELEASE_EVERY: Span = Span::seconds(5);

/// How often what is only remembered for a while is looked through.
const EVICT_EVERY: Span = Span::minutes(1);

/// How long the audit trail reaches back.
const AUDIT_KEPT: Span = Span::days(180);

/// How long is remembered that an e-mail was given up.
const GIVEN_UP_KEPT: Span = Span::days(7);

/// How long a sign-in that has come to its end is remembered.
const REMEMBERED: Span = Span::days(1);

/// The jobs of this process. They end when it is told to stop.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
    stopped: watch::Receiver<bool>,
}

impl Background {
    pub(crate) fn new(stopped: watch::Receiver<bool>) -> Self {
        Self { tasks: JoinSet::new(), stopped }
    }

    /// Does something now, and again each time that the span has gone by.
    pub fn every<F, Fut>(&mut self, span: Span, mut act: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let mut stopped = self.stopped.clone();
        self.tasks.spawn(async move {
            let mut ticks = ticks(span);
            while next(&mut ticks, &mut stopped).await {
                act().await;
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
    jobs.every(SWEEP_EVERY, with(app, sweep));
    jobs.every(SWEEP_EVERY, with(app, seal_anew));
    jobs.every(RELEASE_EVERY, with(app, async |app: App| app.hasher.release_idle()));
    jobs.every(EVICT_EVERY, with(app, async |app: App| app.limits.evict()));
    let grants_wait = Arc::new(AtomicBool::new(true));
    // One for each provider: one that hangs stands before nobody else.
    for n in 0..app.providers.len() {
        let (app, stopped, waits) = (app.clone(), jobs.stopped.clone(), grants_wait.clone());
        jobs.every(END_EVERY, move || {
            end_grants(app.clone(), n, waits.load(Ordering::Relaxed), stopped.clone())
        });
    }
    jobs.spawn(follow(app.clone(), grants_wait, jobs.stopped.clone()));
    jobs.spawn(mail_queue::work(app.clone(), jobs.stopped.clone()));
}

fn with<F: Fn(App) -> Fut, Fut>(app: &App, act: F) -> impl FnMut() -> Fut + use<F, Fut> {
    let app = app.clone();
    move || act(app.clone())
}

fn ticks(every: Span) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(Duration::from(every));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next tick; `false` when it is time to stop.
async fn next(ticks: &mut tokio::time::Interval, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        _ = stopped.wait_for(|stopped| *stopped) => false,
    }
}

async fn sweep(app: App) {
    let (db, now) = (&app.db, app.clock.now());
    let attempts_over = now.minus(latchkey_auth::oauth::attempt::LIFETIME);
    swept("sign-ins", sign_ins::forget(db, now.minus(REMEMBERED)).await);
    swept("events", latchkey_store::audit::forget(db, now.minus(AUDIT_KEPT)).await);
    swept("links", latchkey_store::email_tokens::forget(db, now).await);
    swept("given up e-mails", latchkey_store::emails::forget(db, now.minus(GIVEN_UP_KEPT)).await);
    swept("answers of providers", authorization_responses::forget(db, attempts_over).await);
    swept("wrong tries", latchkey_store::failed_attempts::forget(db, now).await);
    swept("keys", app.keys.prune(now).await);
}

fn swept<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) {
    if let Err(error) = result {
        tracing::warn!(%error, "old {what} could not be swept away");
    }
}

/// Goes on revoking what people have disconnected. It is all in the database:
/// a restart forgets nothing, and of several processes one asks. So it is dropped
/// when it is time to stop, and a provider that hangs keeps nobody.
async fn end_grants(
    app: App,
    provider: usize,
    any_waits: bool,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(provider) = app.providers.get(provider).filter(|_| any_waits) else { return };
    tokio::select! {
        ended = app.connections.end_what_is_due(provider) => if let Err(error) = ended {
            tracing::warn!(%error, "ended grants could not be looked at");
        },
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// After a rotation of `APP_SECRET`: provider tokens follow to the current one,
/// those too that a process with the earlier list has sealed since.
async fn seal_anew(app: App) {
    match app.connections.vault().reencrypt_all(&app.db).await {
        Ok(done) if done.reencrypted + done.lost > 0 => {
            tracing::info!(
                reencrypted = done.reencrypted,
                lost = done.lost,
                "provider tokens sealed anew"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "provider tokens could not be sealed anew"),
    }
}

/// Follows what other processes write: sign-ins that end, keys that are rotated,
/// grants that are to be ended. An idle process asks for it all once in
/// [`CATCH_UP_EVERY`].
async fn follow(app: App, grants_wait: Arc<AtomicBool>, mut stopped: watch::Receiver<bool>) {
    let changes = app.db.changes();
    loop {
        catch_up(&app, &grants_wait).await;
        let news = async {
            tokio::time::sleep(GATHER).await;
            changes.next().await;
        };
        tokio::select! {
            _ = tokio::time::timeout(CATCH_UP_EVERY, news) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// When the database is away, everything stays as it was.
async fn catch_up(app: &App, grants_wait: &AtomicBool) {
    match app.revoked.poll(&app.db, app.clock.now()).await {
        Ok(()) => app.metrics.revocations_read(app.clock.uptime()),
        Err(error) => tracing::warn!(%error, "revocations could not be read"),
    }
    if let Err(error) = app.keys.reload().await {
        tracing::warn!(%error, "the key ring could not be read anew");
    }
    if app.providers.is_empty() {
        return;
    }
    match ending::is_any(&app.db).await {
        Ok(any) => grants_wait.store(any, Ordering::Relaxed),
        Err(error) => tracing::warn!(%error, "ended grants could not be looked for"),
    }
}
