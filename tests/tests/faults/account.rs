//! Deleting an account during other requests.

use std::time::Duration;

use latchkey_tests::accounts::{
    PASSWORD, expect_problem, sign_up, sign_up_client, signed_in, tokens,
};
use latchkey_tests::database::rows;
use latchkey_tests::{Database, Latchkey, Setup, execute};
use serde_json::json;

use crate::ask_for_tokens;

async fn delete_all_users(app: &Latchkey) {
    execute(&app.app.db, "DELETE FROM users").await;
}

async fn contact_for_deleted_account_returns_401(app: Latchkey) {
    let (mut program, _) = sign_up_client(&app, "ada@example.test").await;
    delete_all_users(&app).await;
    let page = program.post("/api/v1/contacts", json!({ "name": "Grace" })).await;
    let _ = expect_problem(&page, 401, "sign_in_required");
    assert!(page.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")));
}

#[tokio::test]
async fn contact_for_deleted_account_returns_401_on_sqlite() {
    contact_for_deleted_account_returns_401(Latchkey::start().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn contact_for_deleted_account_returns_401_on_postgres() {
    let url = Database::new_postgres_url().await;
    let app = Setup::new().set("DATABASE_URL", url).start().await;
    contact_for_deleted_account_returns_401(app).await;
}

/// If the client disconnects at any moment after "delete my account", either the account is gone or
/// the user is still signed in.
#[tokio::test(flavor = "multi_thread")]
async fn interrupted_deletion_never_signs_out_a_kept_account() {
    const PEOPLE: u64 = 24;
    let app = Latchkey::start().await;
    let mut browsers = Vec::new();
    for person in 0..PEOPLE {
        let email = format!("person-{person}@example.test");
        sign_up(&app, &email).await;
        browsers.push(signed_in(&app, &email, "session").await);
    }
    let url = app.url("/account/delete");
    let confirmed = [("confirm", "delete")];
    for (moment, browser) in (0..).zip(&browsers[1..]) {
        let mut leaving = browser.clone();
        let asked = leaving.post(&url, &confirmed);
        // It may or may not have been answered.
        let _ = tokio::time::timeout(Duration::from_millis(moment), asked).await;
    }
    // One client waits for the response.
    assert_eq!(browsers[0].clone().post(&url, &confirmed).await.see_other(), "/");
    assert_eq!(browsers[0].get(&app.url("/account")).await.status, 401);
    let mut still_in = 0;
    for browser in &mut browsers {
        let page = browser.get(&app.url("/account")).await;
        still_in += i64::from(page.status == 200);
    }
    // A concurrent deletion may have finished meanwhile.
    let left = rows(&app.app.db, "users").await;
    assert!(left <= still_in, "{} people are signed out, and not deleted", left - still_in);
    assert!(left < i64::try_from(browsers.len()).expect("a few"), "no account was deleted");
}

/// A concurrent sign-in or password change gets the same response as a moment earlier or later.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_account_deletion_causes_no_server_error() {
    let app = Latchkey::start().await;
    let (mut accepted, mut refused) = (0, 0);
    // Until the deletion has been on either side of the requests, however slow the machine is.
    for moment in 0..100 {
        if moment >= 12 && accepted > 0 && refused > 0 {
            return;
        }
        let email = format!("person-{moment}@example.test");
        sign_up(&app, &email).await;
        let mut browser = signed_in(&app, &email, "session").await;
        let url = app.url("/account/password");
        let other = [("current", PASSWORD), ("new", "seven herons over the weir")];
        let (asked, changed, ()) =
            tokio::join!(ask_for_tokens(&app, &email, 2), browser.post(&url, &other), async {
                tokio::time::sleep(Duration::from_millis(moment * 15)).await;
                delete_all_users(&app).await;
            });
        for (page, success) in asked.iter().map(|page| (page, 200)).chain([(&changed, 303)]) {
            assert!([success, 401].contains(&page.status), "{}", page.summary());
            *(if page.status == 401 { &mut refused } else { &mut accepted }) += 1;
        }
    }
    panic!("{accepted} requests were before the deletion, and {refused} after it");
}

#[tokio::test]
async fn account_keeps_at_most_100_sign_ins() {
    let app = Latchkey::start().await;
    let (mut first, oldest) = sign_up_client(&app, "ada@example.test").await;
    for _ in 0..100 {
        tokens(&app, "ada@example.test", None).await;
    }
    let page = first.get("/api/v1/sessions").await;
    let list = latchkey_tests::accounts::json_of(&page);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(100));
    // The least recently used sign-in has ended.
    assert_eq!(first.refresh(&oldest.refresh).await.status, 400);
    // Ending all the others is one event in the audit trail.
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    let before = rows(&app.app.db, "audit_events").await;
    let page = browser.post(&app.url("/account/sign-ins/end-others"), &[]).await;
    assert_eq!(page.see_other(), "/account?done=ended");
    assert_eq!(rows(&app.app.db, "audit_events").await, before + 1);
    let list = latchkey_tests::accounts::json_of(&browser.get(&app.url("/api/v1/sessions")).await);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}
