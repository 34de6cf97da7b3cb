//! The lab's pages.

use std::time::Duration;

use latchkey_lab::attacks::all;
use latchkey_tests::accounts::{PASSWORD, sign_up, submit_password};
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;

/// Page loads; more than any run needs.
const LOOKS: usize = 600;

/// Clicks a button, and reloads the page until the run is over.
async fn run(app: &Latchkey, browser: &mut Browser, path: &str) -> Page {
    let to = browser.post(&app.url(path), &[]).await.see_other();
    for _ in 0..LOOKS {
        let page = browser.get(&app.url(&to)).await.expect(200);
        if !page.body.contains(" data-running") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the run does not end");
}

/// Tables that a run writes users to.
async fn everybody(app: &Latchkey) -> Vec<(&'static str, i64)> {
    let mut found = Vec::new();
    for table in
        ["users", "identities", "passwords", "sign_ins", "contacts", "email_tokens", "traces"]
    {
        found.push((table, rows(&app.app.db, table).await));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_and_leaves_no_data() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let before = everybody(&app).await;

    run(&app, &mut browser, "/lab/run").await;
    let mut not_refused = Vec::new();
    for attack in all() {
        let place = format!("/lab/{}", attack.id);
        let mut page = browser.get(&app.url(&place)).await.expect(200);
        // A busy machine gets a second chance: the time limit of a run is not tested here.
        if page.body.contains("There was no time left") {
            page = run(&app, &mut browser, &format!("{place}/run")).await;
        }
        let undecided = attack.is_timed() && page.body.contains("<h2>Undecided</h2>");
        if !undecided && !page.body.contains("<h2>Refused</h2>") {
            not_refused.push(format!("{}: {}", attack.id, page.summary()));
        }
        // Nothing shown is usable: no JWT, no long base64url.
        let steps = page.body.split_once("Requests and responses").map_or("", |(_, steps)| steps);
        let long =
            steps.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).find(|run| {
                run.len() >= 20 && run.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            });
        assert_eq!(long, None, "{}: something long is shown", attack.id);
    }
    assert!(not_refused.is_empty(), "{}", not_refused.join("\n\n"));
    let page = browser.get(&app.url("/lab")).await.expect(200);
    assert!(page.body.contains("<dt>not run yet</dt><dd>0</dd>"), "{}", page.summary());
    assert!(!page.body.contains("left behind"), "{}", page.summary());

    assert_eq!(everybody(&app).await, before);
    assert!(!app.file("data/local-people.json").exists(), "people were written down");
    // The user is still signed in, and can sign up and in from the same address: the run has used
    // none of their limits.
    assert!(browser.account(&app).await.is_some());
    sign_up(&app, "developer@example.test").await;
    let fields = [("email", "developer@example.test"), ("password", PASSWORD)];
    assert_eq!(submit_password(&mut Browser::new(), &app, &fields).await.see_other(), "/account");
    Browser::new().sign_in_with(&app, "google", "grace").await;
}

/// What an aborted attack leaves: a user who signed up, and one from the provider, both with
/// addresses of the lab.
#[tokio::test(flavor = "multi_thread")]
async fn lab_run_deletes_only_leftover_lab_accounts() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    sign_up(&app, "developer@lab.invalid").await;
    let before = everybody(&app).await;

    sign_up(&app, &format!("lab-{}@lab.invalid", "0".repeat(32))).await;
    let mut passer = Browser::new();
    let victim = format!("lab-{}@lab.invalid", "f".repeat(32));
    let authorize = passer.start_sign_in(&app, "google").await;
    let person = [("person", "passing-1"), ("name", "Pia"), ("email", &victim)];
    let person = [&person[..], &[("decision", "allow"), ("verified", "on")]].concat();
    let callback = passer.decide(&authorize, &person).await;
    assert_eq!(passer.follow_callback(&callback).await.see_other(), "/account");
    assert!(passer.account(&app).await.is_some(), "nobody came through");
    assert_ne!(everybody(&app).await, before);

    let page = run(&app, &mut browser, "/lab/jwt_none/run").await;
    assert!(page.body.contains("<h2>Refused</h2>"), "{}", page.summary());
    assert_eq!(everybody(&app).await, before);
    assert!(passer.account(&app).await.is_none(), "the account is gone, and its cookie works");
    assert!(browser.account(&app).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_attacks_cannot_run_without_local_provider() {
    let app = Setup::new().set("LOCAL_IDP", "off").start().await;
    let mut browser = Browser::new();
    for id in ["login_csrf", "id_token_nonce", "pkce_missing"] {
        let page = run(&app, &mut browser, &format!("/lab/{id}/run")).await;
        assert!(page.body.contains("It could not run"), "{id}: {}", page.summary());
        assert!(page.body.contains("needs the local provider"), "{id}: {}", page.summary());
    }
    let page = run(&app, &mut browser, "/lab/jwt_none/run").await;
    assert!(page.body.contains("<h2>Refused</h2>"), "{}", page.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn lab_rejects_cross_site_and_concurrent_runs() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
    let page = browser.send(Method::POST, &app.url("/lab/run"), &foreign, None).await;
    let _ = page.expect_error(403, "cross_site_request");
    let page = browser.get(&app.url("/lab")).await.expect(200);
    assert!(!page.body.contains(" data-running"), "it was started all the same");

    // The slow one waits for eleven seconds; meanwhile no other run starts.
    assert_eq!(
        browser.post(&app.url("/lab/refresh_reused/run"), &[]).await.see_other(),
        "/lab/refresh_reused"
    );
    let _ = browser.post(&app.url("/lab/jwt_none/run"), &[]).await.see_other();
    let page = browser.get(&app.url("/lab")).await.expect(200);
    assert!(page.body.contains("0 of 1 done"), "{}", page.summary());
    let page = run(&app, &mut browser, "/lab/jwt_none/run").await;
    assert!(page.body.contains("Not run yet"), "a second run was begun: {}", page.summary());
    let page = browser.get(&app.url("/lab/refresh_reused")).await.expect(200);
    assert!(page.body.contains("<h2>Refused</h2>"), "{}", page.summary());
}

#[tokio::test]
async fn lab_attacks_are_read_only_outside_development() {
    let app = Setup::public().set("DEMO", "on").start().await;
    let mut browser = Browser::new().with_host(&app.origin, app.address);
    let page = browser.get(&app.url("/lab")).await.expect(200);
    assert!(page.body.contains("Unsigned token (alg none)"), "{}", page.summary());
    assert!(!page.body.contains("action=\"/lab"), "there is a button");
    let page = browser.get(&app.url("/lab/jwt_none")).await.expect(200);
    assert!(!page.body.contains("action=\"/lab"), "there is a button");
    for path in ["/lab/run", "/lab/jwt_none/run"] {
        let _ = browser.post(&app.url(path), &[]).await.expect_error(404, "not_found");
    }
    let _ = browser.get(&app.url("/lab/nothing")).await.expect_error(404, "not_found");
}
