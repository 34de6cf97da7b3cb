//! Key rotation while clients continue: no valid token is refused.

use latchkey_tests::accounts;
use latchkey_tests::jws;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use latchkey_auth::tokens::RingKey;
use latchkey_domain::Span;
use latchkey_store::count::{Statements, statements};
use latchkey_tests::accounts::{
    ApiClient, Tokens, expect_problem, instance, json_of, sign_up, sign_up_client, tokens,
};
use latchkey_tests::jws::decode;
use latchkey_tests::{Database, Latchkey, Setup};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const QUERY_LATENCY: std::time::Duration = std::time::Duration::from_millis(50);
const ROTATIONS: u32 = 3;
const PROGRAMS: u32 = 4;

async fn rotate(app: &Latchkey) -> String {
    let algorithm = app.app.settings.jwt.algorithm;
    app.app.keys.rotate(algorithm, app.clock.now()).await.expect("a new key")
}

fn kid(tokens: &Tokens) -> String {
    decode(&tokens.access).0["kid"].as_str().expect("a kid").to_owned()
}

/// Uses every token at both instances, and gets new ones at each in turn.
async fn use_tokens_until_stopped(
    apps: Arc<[Latchkey; 2]>,
    first: Tokens,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU32>,
) -> HashSet<String> {
    let mut at: Vec<_> = apps.iter().map(ApiClient::new).collect();
    let (mut newest, mut all) = (first.clone(), vec![first]);
    while !stop.load(Ordering::SeqCst) {
        let round = rounds.fetch_add(1, Ordering::SeqCst) as usize;
        newest = Tokens::of(&at[round % 2].refresh(&newest.refresh).await);
        all.push(newest.clone());
        // The first and the latest token of each key: the oldest, and the newest.
        let mut seen = HashSet::new();
        let firsts: Vec<_> = all.iter().filter(|one| seen.insert(kid(one))).cloned().collect();
        for tokens in firsts.iter().chain([&newest]) {
            for program in &mut at {
                program.token = Some(tokens.access.clone());
                let page = program.get("/api/v1/me").await;
                assert_eq!(page.status, 200, "{}: {}", kid(tokens), page.summary());
                program.token = None;
            }
        }
        all = firsts;
    }
    all.iter().map(kid).collect()
}

async fn clients_keep_working_during_key_rotation(url: &str) {
    let setup = || instance(url).with_frozen_clock();
    let first = setup().start().await;
    let second = setup().start().await;
    let (_, tokens) = sign_up_client(&first, "ada@example.test").await;
    let mut pairs = vec![tokens];
    for _ in 1..PROGRAMS {
        pairs.push(accounts::tokens(&first, "ada@example.test", None).await);
    }
    let apps = Arc::new([first, second]);
    let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let begun = Arc::new(Barrier::new(PROGRAMS as usize + 1));
    let mut programs = JoinSet::new();
    for pair in pairs {
        let (apps, stop, rounds, begun) =
            (Arc::clone(&apps), Arc::clone(&stop), Arc::clone(&rounds), Arc::clone(&begun));
        programs.spawn(async move {
            begun.wait().await;
            use_tokens_until_stopped(apps, pair, stop, rounds).await
        });
    }
    begun.wait().await;
    let mut made = HashSet::new();
    for turn in 0..ROTATIONS {
        made.insert(rotate(&apps[turn as usize % 2]).await);
        // From before the new key signs until after the old one has retired.
        for _ in 0..6 {
            let until = rounds.load(Ordering::SeqCst) + PROGRAMS;
            while rounds.load(Ordering::SeqCst) < until && !any_client_failed(&mut programs) {
                tokio::task::yield_now().await;
            }
            for app in apps.iter() {
                app.advance(Span::seconds(2));
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    let used: HashSet<_> = programs.join_all().await.into_iter().flatten().collect();
    assert!(used.len() > ROTATIONS as usize, "{used:?}: old keys and new ones");
    assert!(made.is_subset(&used), "every new key has signed: {made:?} {used:?}");
}

/// Stops the wait if a client has failed.
fn any_client_failed(programs: &mut JoinSet<HashSet<String>>) -> bool {
    programs.try_join_next().is_some_and(|ended| {
        ended.expect("no program is refused anything");
        true
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_keep_working_during_key_rotation_on_sqlite() {
    let database = Database::sqlite().await;
    clients_keep_working_during_key_rotation(&database.url).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn clients_keep_working_during_key_rotation_on_postgres() {
    clients_keep_working_during_key_rotation(&Database::new_postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_reload_never_restores_an_older_key_ring() {
    let app = Setup::new().start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut reloads = JoinSet::new();
    for _ in 0..8 {
        let (app, stop) = (app.app.clone(), Arc::clone(&stop));
        reloads.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                app.keys.reload().await.expect("a ring");
            }
        });
    }
    for _ in 0..60 {
        let newest = rotate(&app).await;
        for _ in 0..10 {
            let ring = app.app.keys.ring();
            assert_eq!(ring.newest().map(RingKey::kid), Some(newest.as_str()));
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    reloads.join_all().await;
}

/// The second request arrives later by the clock, so it could reload, too.
#[tokio::test]
async fn requests_with_unknown_keys_share_a_reload() {
    let app = Latchkey::start().await;
    let header = r#"{"typ":"at+jwt","alg":"EdDSA","kid":"unknown"}"#;
    let token = [header, "{}", &"0".repeat(64)].map(jws::base64url).join(".");
    let now = app.clock.now().plus(Span::minutes(1));
    let (first, second) = (Arc::new(Statements::with_latency(QUERY_LATENCY)), Arc::default());
    let keys = &app.app.keys;
    let _ = tokio::join!(
        statements(Arc::clone(&first), keys.verify(&token, now)),
        statements(Arc::clone(&second), keys.verify(&token, now.plus(Span::minutes(1)))),
    );
    assert_eq!((first.sent(), second.sent()), (1, 0));
}

#[tokio::test]
async fn reload_without_changes_keeps_the_key_ring() {
    let app = Latchkey::start().await;
    let before = app.app.keys.ring();
    app.app.keys.reload().await.expect("a ring");
    assert!(Arc::ptr_eq(&before, &app.app.keys.ring()));
    let _ = rotate(&app).await;
    assert!(!Arc::ptr_eq(&before, &app.app.keys.ring()));
}

#[tokio::test]
async fn token_of_retired_key_is_valid_until_expiry() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut program, first) = sign_up_client(&app, "ada@example.test").await;
    let new = rotate(&app).await;
    let published = |page: &latchkey_tests::Page| page.body.contains(&new);
    assert!(published(&program.get("/.well-known/jwks.json").await), "known before it signs");
    app.advance(Span::seconds(9));
    let last = Tokens::of(&program.refresh(&first.refresh).await);
    assert_eq!(kid(&last), kid(&first), "not every process knows the new key yet");
    app.advance(Span::seconds(2));
    let next = Tokens::of(&program.refresh(&last.refresh).await);
    assert_eq!(kid(&next), new);
    app.advance(Span::seconds(297));
    program.token = Some(last.access.clone());
    assert_eq!(program.get("/api/v1/me").await.status, 200);
    app.advance(Span::seconds(70));
    expect_problem(&program.get("/api/v1/me").await, 401, "token_expired");
    // Much later, the key is gone, from the ring and from the key set.
    app.advance(Span::minutes(10));
    let set = json_of(&program.get("/.well-known/jwks.json").await);
    let kids: Vec<_> = set["keys"].as_array().expect("keys").iter().map(|k| &k["kid"]).collect();
    assert_eq!(kids, [&serde_json::json!(new)]);
    expect_problem(&program.get("/api/v1/me").await, 401, "token_key_unknown");
}

#[tokio::test]
async fn unknown_kids_cause_at_most_one_query() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let (_, rest) = tokens.access.split_once('.').expect("three parts");
    let mut asked = 0;
    for n in 0..50 {
        let header = serde_json::json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": format!("k{n}") });
        program.token = Some(format!("{}.{rest}", jws::base64url(header.to_string())));
        let page = program.get("/api/v1/me").await;
        expect_problem(&page, 401, "token_key_unknown");
        asked += accounts::queries(&page);
    }
    assert!(asked <= 1, "{asked} queries: the clock stands, and once a second is enough");
}

/// At each step some instances are behind, and what one instance encrypts or signs is valid at the
/// others.
#[tokio::test(flavor = "multi_thread")]
async fn app_secret_rotation_refuses_no_valid_token() {
    const OLD: &str = "the-old-secret-of-all-the-instances";
    const NEW: &str = "the-new-secret-of-all-the-instances";
    const ADA: &str = "ada@example.test";
    let database = Database::sqlite().await;
    let steps = [OLD.to_owned(), format!("{OLD},{NEW}"), format!("{NEW},{OLD}"), NEW.to_owned()];
    let with = async |secret: &str| {
        instance(&database.url).set("APP_SECRET", secret).with_frozen_clock().start().await
    };
    sign_up(&with(OLD).await, ADA).await;
    for step in steps.windows(2) {
        let (behind, ahead) = (with(&step[0]).await, with(&step[1]).await);
        if step[1] != NEW {
            rotate(&ahead).await;
        }
        for app in [&behind, &ahead] {
            app.app.keys.reload().await.expect("read");
            app.advance(Span::seconds(11));
        }
        for (here, there) in [(&behind, &ahead), (&ahead, &behind)] {
            let first = tokens(here, ADA, None).await;
            let _ = ApiClient::with(there, &first.access).get("/api/v1/me").await.expect(200);
            let next = Tokens::of(&ApiClient::new(there).refresh(&first.refresh).await);
            let twin = Tokens::of(&ApiClient::new(here).refresh(&first.refresh).await);
            assert_eq!(next.refresh, twin.refresh, "{step:?}");
            let _ = ApiClient::with(here, &next.access).get("/api/v1/me").await.expect(200);
        }
    }
}
