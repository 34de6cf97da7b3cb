//! `/compare`: guess first, then see; one run at a time; in development alone.

use std::time::Duration;

use latchkey_lab::{Verdict, verdict_of};
use latchkey_tests::person::json_of;
use latchkey_tests::{Browser, Latchkey, Page, Setup};

/// Guesses, and follows the page that looks again until it leads somewhere.
async fn guess(browser: &mut Browser, app: &Latchkey, fields: &[(&str, &str)]) -> String {
    let to = browser.post(&app.url("/compare/guess"), fields).await.see_other();
    wait(browser, app, &to).await
}

async fn wait(browser: &mut Browser, app: &Latchkey, progress: &str) -> String {
    for _ in 0..600 {
        let page = browser.get(&app.url(progress)).await;
        if page.status == 303 {
            return page.see_other();
        }
        assert_eq!(page.status, 200, "{}", page.summary());
        assert!(page.body.contains("http-equiv=\"refresh\""), "nobody would look again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not end");
}

/// The part of the page that is about one claim.
fn row(page: &Page, claim: u8) -> String {
    let start = page.body.find(&format!("id=\"claim-{claim}\"")).expect("a row");
    let rest = &page.body[start..];
    rest[..rest.find("</section>").expect("an end")].to_owned()
}

#[tokio::test]
async fn a_guess_comes_before_the_answer_and_stands_beside_it() {
    let app = Latchkey::start().await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    let before = browser.get(&app.url("/compare")).await.expect(200);
    assert!(row(&before, 4).contains("What do you think?"));
    let _ = browser.get(&app.url("/compare/claims/4.json")).await.expect_error(404, "not_found");

    assert_eq!(
        guess(&mut browser, &app, &[("claim", "4"), ("guess", "true")]).await,
        "/compare#claim-4"
    );
    let after = row(&browser.get(&app.url("/compare")).await.expect(200), 4);
    assert!(after.contains("verdict--false"), "{after}");
    assert!(after.contains("You guessed true") && after.contains("session cookie"), "{after}");

    // Who has not guessed does not see it, but need not wait either.
    let page = other.get(&app.url("/compare")).await.expect(200);
    let unseen = row(&page, 4);
    assert!(unseen.contains("Already measured.") && !unseen.contains("verdict"), "{unseen}");
    let to = other
        .post(&app.url("/compare/guess"), &[("claim", "4"), ("guess", "false")])
        .await
        .see_other();
    assert_eq!(to, "/compare#claim-4");
    let seen = row(&other.get(&app.url("/compare")).await.expect(200), 4);
    assert!(seen.contains("You guessed false, and you were right."), "{seen}");

    // A second guess is none.
    let _ = other.post(&app.url("/compare/guess"), &[("claim", "4"), ("guess", "if")]).await;
    let seen = row(&other.get(&app.url("/compare")).await.expect(200), 4);
    assert!(seen.contains("You guessed false"), "{seen}");

    // The raw samples say the same to whoever recomputes the verdict.
    let json = json_of(&browser.get(&app.url("/compare/claims/4.json")).await.expect(200));
    assert!(matches!(verdict_of(&json), Some(Verdict::False { .. })), "{json}");
}

#[tokio::test]
async fn the_table_shows_every_way_in_with_each_key() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    guess(&mut browser, &app, &[("claim", "2"), ("guess", "none")]).await;
    let page = browser.get(&app.url("/compare")).await.expect(200);
    let (_, table) = page.body.split_once("id=\"combinations\"").expect("a table");
    let (table, _) = table.split_once("</section>").expect("an end");
    for (name, queries) in [
        ("OAuth + session", "1"),
        ("OAuth + JWT", "0"),
        ("password + session", "1"),
        ("password + JWT", "0"),
    ] {
        let (_, row) = table.split_once(&format!(">{name}<")).expect(name);
        let (row, _) = row.split_once("</tr>").expect("a row");
        let cell = format!("data-label=\"Queries per request\" class=\"num\">{queries}<");
        assert!(row.contains(&cell), "{row}");
        assert!(row.contains("href=\"#claim-1\">guess first"), "claim 1 was not guessed: {row}");
    }
}

#[tokio::test]
async fn a_run_that_is_under_way_is_not_begun_twice() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let first = browser.post(&app.url("/compare/run"), &[("claim", "16")]).await.see_other();
    let second = browser.post(&app.url("/compare/run"), &[("claim", "4")]).await.see_other();
    assert!(app.demo.comparison.progress().is_some_and(|run| run.claims[0].number == 16));
    let page = browser.get(&app.url("/compare")).await.expect(200);
    assert!(page.body.contains("A measurement is running."));
    assert_eq!(wait(&mut browser, &app, &first).await, "/compare#claim-16");
    assert!(app.demo.comparison.result(&16).is_some());
    assert!(app.demo.comparison.result(&4).is_none(), "{second} was another run");
    // The next one may begin.
    let third = browser.post(&app.url("/compare/run"), &[("claim", "16")]).await.see_other();
    wait(&mut browser, &app, &third).await;
}

#[tokio::test]
async fn what_the_forms_do_not_offer_is_refused() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for (path, fields) in [
        ("/compare/run", &[("claim", "99")][..]),
        ("/compare/run", &[("claim", "3"), ("algorithm", "none")]),
        ("/compare/run", &[("claim", "3"), ("latency", "9999")]),
        ("/compare/guess", &[("claim", "4"), ("guess", "perhaps")]),
        ("/compare/guess", &[("claim", "x"), ("guess", "true")]),
    ] {
        let _ = browser.post(&app.url(path), fields).await.expect_error(400, "bad_request");
    }
    assert!(app.demo.comparison.progress().is_none());
}

#[tokio::test]
async fn nobody_measures_at_a_public_site() {
    let app = Setup::public().set("DEMO", "on").start().await;
    let mut browser = Browser::new().with_name(&app.origin, app.address);
    let page = browser.get(&app.url("/compare")).await.expect(200);
    assert!(
        page.body.contains("latchkey compare")
            && !page.body.contains("<button class=\"button button--primary\"")
    );
    for path in ["/compare/run", "/compare/guess"] {
        let page = browser.post(&app.url(path), &[("claim", "4"), ("guess", "true")]).await;
        let _ = page.expect_error(404, "not_found");
    }
    assert!(app.demo.comparison.progress().is_none());
}
