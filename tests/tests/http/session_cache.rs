//! `SESSION_CACHE=watch`.

use std::time::Duration;

use latchkey_tests::Database;
use latchkey_tests::accounts::{cookie_value, instance, queries, sign_up, signed_in};

/// The clocks are frozen: entries expire by real time only.
#[tokio::test]
async fn sign_out_ends_cached_session_on_other_instances() {
    let database = Database::sqlite().await;
    let setup = || instance(&database.url).set("SESSION_CACHE", "watch").with_frozen_clock();
    let (here, there) = (setup().start().await, setup().start().await);
    sign_up(&here, "ada@example.test").await;
    let mut browser = signed_in(&here, "ada@example.test", "session").await;
    let mut copy = browser.clone();
    assert!(cookie_value(&copy, "latchkey_session").is_some());
    copy.jar.move_port(here.address.port(), there.address.port());
    // On a slow machine the entry may have expired before the next request.
    let mut cached = false;
    for _ in 0..100 {
        let page = copy.get(&there.url("/api/v1/me")).await.expect(200);
        cached |= queries(&page) == 0;
        if cached {
            break;
        }
    }
    assert!(cached, "each request reads the session from the database");
    let mut same = browser.clone();
    browser.post(&here.url("/sign-out"), &[]).await;
    assert_eq!(same.get(&here.url("/api/v1/me")).await.status, 401, "at once in the same process");
    for _ in 0..400 {
        if copy.get(&there.url("/api/v1/me")).await.status == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("a session that has ended is still believed elsewhere");
}
