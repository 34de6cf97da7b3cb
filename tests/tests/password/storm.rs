//! Many concurrent sign-ins: they queue, and other requests do not.

use latchkey_tests::accounts;
use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_tests::accounts::{ApiClient, PASSWORD, sign_up, submit_password};
use latchkey_tests::{Browser, Latchkey};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const MANY: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_password_checks_do_not_block_requests() {
    let app = Arc::new(Latchkey::start().await);
    for person in 0..4 {
        sign_up(&app, &format!("person{person}@example.test")).await;
    }
    let (mut bystander, tokens) = accounts::sign_up_client(&app, "ada@example.test").await;
    let start = Arc::new(Barrier::new(MANY + 1));
    let mut storm = JoinSet::new();
    for n in 0..MANY {
        let (app, start) = (Arc::clone(&app), Arc::clone(&start));
        let mut browser = Browser::new();
        storm.spawn(async move {
            // Existing and unknown users, right and wrong passwords.
            let email = format!("person{}@example.test", n % 8);
            let password = if n % 3 == 0 { "not the password" } else { PASSWORD };
            start.wait().await;
            let page =
                submit_password(&mut browser, &app, &[("email", &email), ("password", password)])
                    .await;
            if matches!(page.status, 503 | 429) {
                let after = page.header("retry-after").and_then(|after| after.parse::<u32>().ok());
                assert!(after.is_some_and(|seconds| seconds > 0), "{:?}", page.headers);
            }
            page.status
        });
    }
    start.wait().await;
    // Meanwhile the process is healthy, and requests with a token are fast.
    let (mut answered, mut statuses) = (0, BTreeMap::new());
    while !storm.is_empty() {
        assert_eq!(bystander.get("/healthz").await.status, 200);
        assert_eq!(bystander.get("/api/v1/me").await.status, 200);
        let page = ApiClient::with(&app, &tokens.access).get("/api/v1/contacts").await;
        assert_eq!(page.status, 200, "{}", page.summary());
        while let Some(status) = storm.try_join_next() {
            *statuses.entry(status.expect("an answer")).or_insert(0) += 1;
        }
        answered += usize::from(statuses.values().sum::<usize>() < MANY);
    }
    assert!(answered >= 3, "nobody else was served before the storm was over: {answered}");
    let allowed = [303, 401, 429, 503];
    assert!(statuses.keys().all(|status| allowed.contains(status)), "{statuses:?}");
    let checked: usize = [303, 401].iter().filter_map(|status| statuses.get(status)).sum();
    assert!(checked >= MANY / 2, "most passwords were really checked: {statuses:?}");
    // Then everything is as before.
    if !statuses.contains_key(&429) {
        let fields = [("email", "person0@example.test"), ("password", PASSWORD)];
        assert_eq!(submit_password(&mut Browser::new(), &app, &fields).await.status, 303);
    }
}
