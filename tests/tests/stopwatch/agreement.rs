//! The stopwatch and an independent poller agree.

use std::time::{Duration, Instant};

use latchkey_lab::sign_in::sign_up;
use latchkey_lab::stopwatch::{
    self, Progress, PromiseResult, Reading, Subject, Timed, TimedCredential, WATCHED, introspected,
    promise_result,
};
use latchkey_lab::{Agent, Call};
use latchkey_tests::accounts::{instance, json_of, sign_up_client};
use latchkey_tests::issuer::{Answer, INTROSPECT};
use latchkey_tests::{Database, Issuer, Latchkey, Setup};
use serde_json::json;
use url::Url;

use crate::outside::{Bracket, Poller};

fn base(app: &Latchkey) -> Url {
    app.origin.parse().expect("a URL")
}

fn one<'a>(agent: &'a Agent, base: &'a Url, email: &'a str) -> Subject<'a> {
    Subject { agent, email, revoked_at: base, used_at: base }
}

/// Times a credential with an independent poller. Both intervals must overlap, so they differ by at
/// most one poll. No duration is asserted: on a slow machine the intervals are wider.
async fn time_with_poller(agent: &Agent, slug: &str, credential: &TimedCredential) -> Timed {
    time_revocation_with_poller(agent, slug, credential, || ()).await
}

/// With an additional action at the revocation.
async fn time_revocation_with_poller(
    agent: &Agent,
    slug: &str,
    credential: &TimedCredential,
    at_end: impl Fn(),
) -> Timed {
    let outside = Poller::start(&credential.request);
    // It must see the credential accepted, too.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut end = None;
    let timed = stopwatch::time(agent, slug, credential, |progress| {
        if matches!(progress, Progress::Revoked) {
            end = Some(Instant::now());
            at_end();
        }
    });
    let timed = timed.await.expect("a reading");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let outside = outside.read().await;
    let Reading::Dead { last_accepted, first_refused } = timed.reading else {
        panic!("{slug}: {:?}", timed.reading);
    };
    let end = end.expect("an end");
    let after = |millis: f64| end + Duration::from_secs_f64(millis / 1000.0);
    // If no poll was accepted after the revocation, the last accepted one is before it.
    let before = timed.polls.iter().rfind(|poll| poll.asked < 0.0).expect("alive before");
    let last = match last_accepted {
        Some(last) => after(last),
        None => end - Duration::from_secs_f64(-before.asked / 1000.0),
    };
    let inside = Bracket { last_accepted: last, first_refused: after(first_refused) };
    assert!(inside.agrees_with(&outside), "{slug}: {inside:?}, {outside:?}");
    let judged = promise_result(timed.reading, timed.promised, timed.interval);
    assert_eq!(timed.kept, judged, "{slug}: {:?}", timed.reading);
    // Refused at the next request: soon enough for any promise.
    if last_accepted.is_none() {
        assert_eq!(timed.kept, PromiseResult::Yes, "{slug}: {:?}", timed.reading);
    }
    timed
}

#[tokio::test]
async fn stopwatch_sees_session_refused_at_next_request() {
    let (app, agent) = (Latchkey::start().await, Agent::new().expect("a client"));
    let base = base(&app);
    let email = sign_up(&agent, &base).await.expect("an account");
    let credential = one(&agent, &base, &email).session().await.expect("a session");
    let timed = time_with_poller(&agent, "session", &credential).await;
    assert!(matches!(timed.reading, Reading::Dead { last_accepted: None, .. }), "{timed:?}");
}

#[tokio::test]
async fn revoked_jwt_is_accepted_until_expiry() {
    let app = Setup::new().set("JWT_ACCESS_TTL", "1s").start().await;
    let (base, agent) = (base(&app), Agent::new().expect("a client"));
    let email = sign_up(&agent, &base).await.expect("an account");
    let credential = one(&agent, &base, &email).jwt(None).await.expect("a JWT");
    let timed = time_with_poller(&agent, "jwt_expiry", &credential).await;
    assert!(
        matches!(timed.reading, Reading::Dead { last_accepted: Some(_), .. }),
        "nothing but time ended it: {:?}",
        timed.reading
    );
}

#[tokio::test]
async fn watched_jwt_is_refused_by_other_replicas() {
    let database = Database::sqlite().await;
    let setup = || instance(&database.url).set("JWT_REVOCATION", "watch");
    let (here, there) = (setup().start().await, setup().start().await);
    let (here, there, agent) = (base(&here), base(&there), Agent::new().expect("a client"));
    let email = sign_up(&agent, &here).await.expect("an account");
    for (used_at, promise) in [(&here, Duration::ZERO), (&there, WATCHED)] {
        let subject = Subject { used_at, ..one(&agent, &here, &email) };
        let credential = subject.jwt(Some(promise)).await.expect("a JWT");
        let timed = time_with_poller(&agent, "jwt_watch", &credential).await;
        // Immediately in the same process.
        let at_once = matches!(timed.reading, Reading::Dead { last_accepted: None, .. });
        assert!(at_once || used_at == &there, "{:?}", timed.reading);
    }
}

/// The issuer revokes the token when the sign-in ends.
async fn introspected_with(cache: &str, cached_for: Duration) -> Timed {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_introspection(&issuer).set("OAUTH_INTROSPECTION_CACHE", cache);
    let app = setup.start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let id = json_of(&ada.get("/api/v1/me").await)["id"].clone();
    let good = json!({
        "active": true, "sub": id, "aud": app.url("/api"), "scope": "profile",
        "exp": app.clock.now().as_seconds() + 3600,
    });
    issuer.respond_with(INTROSPECT, Answer::Json(good));
    let agent = Agent::new().expect("a client");
    let told = Call::get(app.url("/healthz").parse().expect("a URL"));
    let credential = introspected(&base(&app), "2YotnFZFEjr1zCsicMWpAA", told, cached_for);
    let revoke = || issuer.respond_with(INTROSPECT, Answer::Json(json!({ "active": false })));
    let credential = credential.expect("a credential");
    time_revocation_with_poller(&agent, "introspected", &credential, revoke).await
}

#[tokio::test]
async fn introspected_token_is_refused_at_next_request() {
    let timed = introspected_with("0", Duration::ZERO).await;
    assert!(matches!(timed.reading, Reading::Dead { last_accepted: None, .. }), "{timed:?}");
}

#[tokio::test]
async fn cached_introspection_timing_matches_outside_poller() {
    let timed = introspected_with("1s", Duration::from_secs(1)).await;
    // Whether it was accepted at all depends on when the response was cached.
    assert!((timed.promised - 1000.0).abs() < f64::EPSILON, "{} ms", timed.promised);
}
