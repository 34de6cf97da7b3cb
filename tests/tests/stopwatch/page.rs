//! `/stopwatch`: the form, the run in the background, and its results.

use std::time::Duration;

use latchkey_lab::stopwatch::{Reading, Timed, promise_result, reading};
use latchkey_tests::{Browser, Latchkey, Setup};

#[tokio::test]
async fn stopwatch_runs_in_background_and_shows_readings() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let page = browser.get(&app.url("/stopwatch")).await;
    assert_eq!(page.status, 200, "{}", page.summary());
    assert!(page.body.contains("Not timed yet."), "{}", page.summary());
    assert!(!page.body.contains("data-running"), "nothing runs");

    let keys = [("key", "session"), ("key", "jwt_watch"), ("key", "nonsense")];
    let started = browser.post(&app.url("/stopwatch"), &keys).await;
    assert_eq!(started.see_other(), "/stopwatch");
    let page = browser.get(&app.url("/stopwatch")).await;
    assert!(page.body.contains("data-running"), "it runs");
    // Another request meanwhile starts no run.
    let _ = browser.post(&app.url("/stopwatch"), &[("key", "jwt_watch_here")]).await;

    let mut page = page;
    for _ in 0..600 {
        if !page.body.contains("data-running") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = browser.get(&app.url("/stopwatch")).await;
    }
    assert!(!page.body.contains("data-running"), "it came to an end: {}", page.summary());
    assert_eq!(page.body.matches(r#"class="lane" "#).count(), 2, "{}", page.summary());

    let json = browser.get(&app.url("/stopwatch.json")).await;
    let timed: Vec<Timed> = serde_json::from_str(&json.body).expect("JSON");
    let slugs: Vec<_> = timed.iter().map(|one| one.slug.as_str()).collect();
    assert_eq!(slugs, ["session", "jwt_watch"]);
    for one in &timed {
        // The text follows from the samples.
        assert_eq!(reading(&one.polls), one.reading);
        assert!(matches!(one.reading, Reading::Dead { .. }), "{}: {:?}", one.slug, one.reading);
        assert_eq!(
            promise_result(one.reading, one.promised, one.interval),
            one.kept,
            "{}",
            one.slug
        );
    }
}

#[tokio::test]
async fn stopwatch_is_disabled_on_public_sites() {
    let app = Setup::public().set("DEMO", "on").start().await;
    let mut browser = Browser::new().with_host(&app.origin, app.address);
    let page = browser.get(&app.url("/stopwatch")).await;
    assert_eq!(page.status, 200, "{}", page.summary());
    assert!(page.body.contains("Only available in development"), "{}", page.summary());
    assert!(!page.body.contains("<form class=\"form\""), "{}", page.summary());
    for page in [
        browser.post(&app.url("/stopwatch"), &[("key", "session")]).await,
        browser.get(&app.url("/stopwatch.json")).await,
    ] {
        assert_eq!(page.header("x-error-code"), Some("not_found"), "{}", page.summary());
    }
}
