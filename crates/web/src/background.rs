//! What goes on beside the requests, so that none of it is on their path.

use std::future::Future;
use std::time::Duration;

use latchkey_auth::jwt::ring::RELOAD_EVERY;
use latchkey_auth::revocation::POLL_EVERY;
use latchkey_domain::Span;
use latchkey_store::sign_ins;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::app::App;

/// How often what has expired is swept away.
const SWEEP_EVERY: Span = Span::minutes(10);

/// How often grants that were ended, and are not over, are looked at.
const END_EVERY: Span = Span::seconds(2);

/// How often memory that password hashing no longer needs is given back.
const RELEASE_EVERY: Span = Span::minutes(1);

/// How long the audit trail reaches back.
const AUDIT_KEPT: Span = Span::days(180);

/// How long a sign-in that has come to its end is remembered.
const REMEMBERED: Span = Span::days(1);

/// Starts everything; it ends when `stopped` turns true.
pub(crate) fn start(tasks: &mut JoinSet<()>, app: &App, stopped: &watch::Receiver<bool>) {
    let every = |span, act| repeat(span, stopped.clone(), act);
    let sweeping = app.clone();
    tasks.spawn(every(SWEEP_EVERY, Box::new(move || Box::pin(sweep(sweeping.clone())))));
    let reloading = app.clone();
    tasks.spawn(every(RELOAD_EVERY, Box::new(move || Box::pin(reload_keys(reloading.clone())))));
    let releasing = app.clone();
    tasks.spawn(every(
        RELEASE_EVERY,
        Box::new(move || {
            releasing.hasher.release_idle();
            releasing.limits.tidy();
            releasing.used_attempts.tidy(releasing.clock.now());
            releasing.waiting.tidy();
            Box::pin(std::future::ready(()))
        }),
    ));
    // One for each provider: one that hangs stands before nobody else.
    for n in 0..app.providers.len() {
        let (ending, stopped) = (app.clone(), stopped.clone());
        let act = move || end_grants(ending.clone(), n, stopped.clone());
        tasks.spawn(every(END_EVERY, Box::new(move || Box::pin(act()))));
    }
    let sealing = app.clone();
    tasks.spawn(every(SWEEP_EVERY, Box::new(move || Box::pin(seal_anew(sealing.clone())))));
    tasks.spawn(watch_revocations(app.clone(), stopped.clone()));
}

type Act = Box<dyn FnMut() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

async fn repeat(every: Span, mut stopped: watch::Receiver<bool>, mut act: Act) {
    let mut ticks = tokio::time::interval(Duration::from(every));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while next(&mut ticks, &mut stopped).await {
        act().await;
    }
}

/// Waits for the next tick; `false` when it is time to stop.
async fn next(ticks: &mut tokio::time::Interval, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        _ = stopped.wait_for(|stopped| *stopped) => false,
    }
}

async fn sweep(app: App) {
    let now = app.clock.now();
    if let Err(error) = sign_ins::forget(&app.db, now.minus(REMEMBERED)).await {
        tracing::warn!(%error, "what has expired could not be swept away");
    }
    let old = now.minus(AUDIT_KEPT);
    if let Err(error) = latchkey_store::audit::forget(&app.db, old).await {
        tracing::warn!(%error, "old events could not be swept away");
    }
    if let Err(error) = latchkey_store::email_tokens::forget(&app.db, now).await {
        tracing::warn!(%error, "expired links could not be swept away");
    }
    if let Err(error) = latchkey_store::traces::forget(&app.db, now).await {
        tracing::warn!(%error, "expired traces could not be swept away");
    }
    if let Err(error) = app.keys.forget_outlived(now).await {
        tracing::warn!(%error, "outlived keys could not be forgotten");
    }
}

/// Hears of rotations. When the database is away, the ring stays as it was.
async fn reload_keys(app: App) {
    if let Err(error) = app.keys.reload().await {
        tracing::warn!(%error, "the key ring could not be read anew");
    }
}

/// Goes on revoking what people have disconnected. It is all in the database:
/// a restart forgets nothing, and of several processes one asks. So it is dropped
/// when it is time to stop, and a provider that hangs keeps nobody.
async fn end_grants(app: App, provider: usize, mut stopped: watch::Receiver<bool>) {
    let Some(provider) = app.providers.get(provider) else { return };
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
    match app.connections.vault().seal_anew(&app.db).await {
        Ok(done) if done.resealed + done.lost > 0 => {
            tracing::info!(
                resealed = done.resealed,
                lost = done.lost,
                "provider tokens sealed anew"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "provider tokens could not be sealed anew"),
    }
}

/// Hears of sign-ins that ended in other processes.
async fn watch_revocations(app: App, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(Duration::from(POLL_EVERY));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = None;
    while next(&mut ticks, &mut stopped).await {
        let now = app.clock.now();
        match app.revoked.poll(&app.db, since, now).await {
            Ok(()) => since = Some(now),
            Err(error) => tracing::warn!(%error, "revocations could not be read"),
        }
    }
}
