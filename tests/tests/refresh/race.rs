//! Concurrent uses of one refresh token.

use latchkey_tests::accounts;
use std::collections::HashSet;
use std::sync::Arc;

use latchkey_domain::Span;
use latchkey_tests::accounts::{
    ApiClient, Tokens, cookie_value, expect_problem, instance, sign_up_client, signed_in,
};
use latchkey_tests::{Database, Latchkey, number};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const MANY: usize = 50;

/// The responses to one refresh token, sent concurrently to the instances in turn.
async fn at_once(apps: &[&Latchkey], refresh: &str) -> HashSet<(String, String)> {
    let start = Arc::new(Barrier::new(MANY));
    let mut programs = JoinSet::new();
    for n in 0..MANY {
        let (mut program, start) = (ApiClient::new(apps[n % apps.len()]), Arc::clone(&start));
        let refresh = refresh.to_owned();
        programs.spawn(async move {
            start.wait().await;
            let tokens = Tokens::of(&program.refresh(&refresh).await);
            (tokens.access, tokens.refresh)
        });
    }
    programs.join_all().await.into_iter().collect()
}

async fn concurrent_refreshes_keep_one_family(url: &str) {
    let setup = || instance(url).with_frozen_clock();
    let one = setup().start().await;
    let two = setup().start().await;
    let (_, first) = sign_up_client(&one, "ada@example.test").await;
    let mut newest = first.refresh.clone();
    for round in 0..3 {
        let answers = at_once(&[&one, &two], &newest).await;
        let successors: HashSet<_> = answers.iter().map(|(_, refresh)| refresh).collect();
        assert_eq!(successors.len(), 1, "round {round}: the family has forked: {successors:?}");
        // Nobody is signed out: every response has a valid token, for all instances.
        for (access, _) in &answers {
            for app in [&one, &two] {
                assert_eq!(ApiClient::with(app, access).get("/api/v1/me").await.status, 200);
            }
        }
        newest = successors.into_iter().next().expect("one").clone();
        one.advance(Span::seconds(30));
        two.advance(Span::seconds(30));
    }
    // One valid token and one sign-in; the rest of the family is used.
    let living = living(&one).await;
    assert_eq!(living, (1, 1), "unused refresh tokens, living sign-ins");
    // Later reuse is still detected.
    let mut thief = ApiClient::new(&two);
    expect_problem(&thief.refresh(&first.refresh).await, 400, "refresh_token_reused");
    expect_problem(&thief.refresh(&newest).await, 400, "refresh_token_ended");
}

async fn living(app: &Latchkey) -> (i64, i64) {
    const UNUSED: &str = "SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NULL";
    const ALIVE: &str = "SELECT COUNT(*) FROM sign_ins WHERE ended_at IS NULL";
    (number(&app.app.db, UNUSED).await, number(&app.app.db, ALIVE).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refreshes_keep_one_family_on_sqlite() {
    let database = Database::sqlite().await;
    concurrent_refreshes_keep_one_family(&database.url).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn concurrent_refreshes_keep_one_family_on_postgres() {
    concurrent_refreshes_keep_one_family(&Database::new_postgres_url().await).await;
}

/// Several tabs of one browser with an expired access token.
async fn parallel_tabs_stay_signed_in(url: &str) {
    let app = instance(url).with_frozen_clock().start().await;
    accounts::sign_up(&app, "ada@example.test").await;
    let mut browser = signed_in(&app, "ada@example.test", "jwt").await;
    for round in 0..2 {
        app.advance(accounts::past_expiry());
        let start = Arc::new(Barrier::new(MANY));
        let mut tabs = JoinSet::new();
        for n in 0..MANY {
            let (mut tab, start) = (browser.clone(), Arc::clone(&start));
            let path = ["/account", "/", "/api/v1/me", "/api/v1/contacts"][n % 4];
            let url = app.url(path);
            tabs.spawn(async move {
                start.wait().await;
                let page = tab.get(&url).await;
                assert_eq!(page.status, 200, "{}: {}", page.request, page.summary());
                tab
            });
        }
        let tabs = tabs.join_all().await;
        let carry = |tab| cookie_value(tab, "latchkey_refresh").expect("still signed in");
        let kept: HashSet<_> = tabs.iter().map(carry).collect();
        assert_eq!(kept.len(), 1, "round {round}: whichever answer comes last, it is the same");
        browser = tabs.into_iter().next_back().expect("a tab");
    }
    assert!(browser.account(&app).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_tabs_stay_signed_in_on_sqlite() {
    let database = Database::sqlite().await;
    parallel_tabs_stay_signed_in(&database.url).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn parallel_tabs_stay_signed_in_on_postgres() {
    parallel_tabs_stay_signed_in(&Database::new_postgres_url().await).await;
}
