//! `/compare`: results, a page for each claim, and an optional quiz; one run at a time, only in
//! development.

use latchkey_lab::experiments::ALL;
use latchkey_lab::{Verdict, verdict_of};
use latchkey_tests::accounts::json_of;
use latchkey_tests::{Browser, Latchkey, Setup};

/// Measures a claim, and returns the page with its result.
async fn measure(browser: &mut Browser, app: &Latchkey, claim: &str) -> String {
    let to = browser.post(&app.url("/compare/run"), &[("claim", claim)]).await.see_other();
    assert_eq!(to, "/compare/progress");
    let page = browser.get(&app.url(&to)).await;
    assert_eq!(page.status, 200, "{}", page.summary());
    page.body
}

#[tokio::test]
async fn comparison_run_shows_verdict_and_claim_pages() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let before = browser.get(&app.url("/compare/size")).await.expect(200);
    assert!(before.body.contains("Not measured yet"), "{}", before.body);
    let _ = browser.get(&app.url("/compare/claims/4.json")).await.expect_error(404, "not_found");
    // The page is streamed during the measurement, without a script or a second request.
    let page = measure(&mut browser, &app, "4").await;
    assert!(page.contains("True if it has few roles") && page.contains("session cookie"), "{page}");
    assert!(!page.contains("http-equiv"), "{page}");
    let to = browser.get(&app.url("/compare/progress")).await.see_other();
    assert_eq!(to, "/compare", "nothing is under way any more");
    // The parts to quote: verdict, figures, machine and version.
    let page = browser.get(&app.url("/compare/size")).await.expect(200);
    for part in ["True if it has few roles", "<b class=\"figures__value\">", "cores", "Latchkey 0."]
    {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(page.body.contains("href=\"/compare/speed\" rel=\"prev\""), "{}", page.body);
    assert!(page.body.contains("href=\"/compare/without-database\" rel=\"next\""), "{}", page.body);
    // Recomputing the verdict from the raw samples gives the same result.
    let json = json_of(&browser.get(&app.url("/compare/claims/4.json")).await.expect(200));
    assert!(matches!(verdict_of(&json), Some(Verdict::TrueIf { .. })), "{json}");
    let index = browser.get(&app.url("/compare")).await.expect(200);
    assert!(index.body.contains("0 true\u{a0}· 1 it depends\u{a0}· 0 false"), "{}", index.body);
    assert!(
        index.body.contains("\"verdict verdict--if\">True if it has few roles"),
        "{}",
        index.body
    );
    for claim in ALL {
        let link = format!("href=\"/compare/{}\"", claim.slug);
        assert!(index.body.contains(&link), "{link}");
        let _ = browser.get(&app.url(&format!("/compare/{}", claim.slug))).await.expect(200);
    }
    let _ = browser.get(&app.url("/compare/nonsense")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn quiz_hides_the_verdict_until_a_guess() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let quiz = app.url("/compare/guess");
    measure(&mut browser, &app, "4").await;
    let advice = "Which one should you use?";
    assert!(browser.get(&app.url("/compare")).await.expect(200).body.contains(advice));
    assert_eq!(browser.post(&quiz, &[("quiz", "on")]).await.see_other(), "/compare");
    let index = browser.get(&app.url("/compare")).await.expect(200).body;
    assert!(index.contains("Guess each claim first") && !index.contains(advice), "{index}");
    let unseen = browser.get(&app.url("/compare/size")).await.expect(200).body;
    assert!(unseen.contains("What do you think?") && !unseen.contains("session cookie"));
    let to = browser.post(&quiz, &[("claim", "4"), ("guess", "if")]).await.see_other();
    assert_eq!(to, "/compare/size");
    let seen = browser.get(&app.url(&to)).await.expect(200).body;
    assert!(seen.contains("You guessed it depends, and you were right."), "{seen}");
    // A second guess does not count.
    let _ = browser.post(&quiz, &[("claim", "4"), ("guess", "false")]).await;
    let seen = browser.get(&app.url(&to)).await.expect(200).body;
    assert!(seen.contains("You guessed it depends"), "{seen}");
    assert_eq!(browser.post(&quiz, &[("quiz", "off")]).await.see_other(), "/compare");
    assert!(!browser.get(&app.url(&to)).await.expect(200).body.contains("You guessed"));
}

#[tokio::test]
async fn table_covers_each_sign_in_method_and_credential() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    measure(&mut browser, &app, "2").await;
    let page = browser.get(&app.url("/compare")).await.expect(200);
    let (_, table) = page.body.split_once("id=\"combinations\"").expect("a table");
    let (table, _) = table.split_once("</table>").expect("an end");
    assert_eq!(table.matches("<td>1\u{a0}query, ").count(), 2, "{table}");
    assert_eq!(table.matches("<td>0\u{a0}queries, ").count(), 2, "{table}");
}

/// The queries and bytes of each combination on the home page.
async fn costs_at_home(browser: &mut Browser, app: &Latchkey) -> Vec<[f64; 2]> {
    let page = browser.get(&app.url("/")).await.expect(200);
    let costs = page.body.split("<p class=\"hint\">").filter_map(|text| {
        let (queries, rest) = text.split_once("\u{a0}quer")?;
        let (_, rest) = rest.split_once(", ")?;
        let (bytes, _) = rest.split_once("\u{a0}bytes")?;
        Some([queries, bytes].map(|number| number.replace(',', "").parse().expect("a number")))
    });
    costs.collect()
}

/// The names of the measured users have other lengths, and ports may have fewer digits.
#[tokio::test]
async fn sample_figures_on_the_home_page_match_a_measurement() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let samples = costs_at_home(&mut browser, &app).await;
    measure(&mut browser, &app, "2").await;
    let measured = costs_at_home(&mut browser, &app).await;
    assert!(samples.len() == 4 && measured.len() == 4, "{samples:?}, {measured:?}");
    for ([queries, bytes], [measured_queries, measured_bytes]) in samples.iter().zip(&measured) {
        let is_close = (bytes - measured_bytes).abs() < 0.1 * measured_bytes;
        assert!(queries == measured_queries && is_close, "{samples:?}, {measured:?}");
    }
}

#[tokio::test]
async fn only_one_comparison_runs_at_a_time() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let first = browser.post(&app.url("/compare/run"), &[("claim", "16")]).await.see_other();
    let _ = browser.post(&app.url("/compare/run"), &[("claim", "4")]).await.see_other();
    assert!(app.demo.comparison.progress().is_some_and(|run| run.claims[0].number == 16));
    let page = browser.get(&app.url("/compare")).await.expect(200);
    assert!(page.body.contains("A measurement is running."));
    let answer = browser.get(&app.url(&first)).await.expect(200).body;
    assert!(answer.contains("id=\"claim-16\"") && answer.contains("1 of 1"), "{answer}");
    assert!(answer.contains("<h1>“Choose OAuth for delegation"), "{answer}");
    // Facts of a credential are a column of a table.
    assert!(answer.contains("<td data-label=\"OAuth\">accepted (200)</td>"), "{answer}");
    assert!(app.demo.comparison.result(&16).is_some());
    assert!(app.demo.comparison.result(&4).is_none(), "the second was another run");
    // Then the next run may start.
    measure(&mut browser, &app, "16").await;
}

#[tokio::test]
async fn invalid_comparison_form_values_are_rejected() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for (path, fields) in [
        ("/compare/run", &[("claim", "99")][..]),
        ("/compare/run", &[("claim", "3"), ("algorithm", "none")]),
        ("/compare/run", &[("claim", "3"), ("latency", "9999")]),
        ("/compare/guess", &[("claim", "4"), ("guess", "perhaps")]),
        ("/compare/guess", &[("claim", "x"), ("guess", "true")]),
        ("/compare/guess", &[("quiz", "perhaps")]),
    ] {
        let _ = browser.post(&app.url(path), fields).await.expect_error(400, "bad_request");
    }
    assert!(app.demo.comparison.progress().is_none());
}

#[tokio::test]
async fn public_site_does_not_run_measurements() {
    let app = Setup::public().set("DEMO", "on").start().await;
    let mut browser = Browser::new().with_host(&app.origin, app.address);
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
