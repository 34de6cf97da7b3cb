//! Concurrent first sign-ins of one user create one account.

use std::sync::Arc;

use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Database, Latchkey, Setup};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const MANY: usize = 50;

async fn concurrent_sign_ins_create_one_account(app: Latchkey) {
    let app = Arc::new(app);
    let start = Arc::new(Barrier::new(MANY));
    let mut browsers = JoinSet::new();
    for _ in 0..MANY {
        let (app, start) = (Arc::clone(&app), Arc::clone(&start));
        browsers.spawn(async move {
            let mut browser = Browser::new();
            let authorize = browser.start_sign_in(&app, "google").await;
            let callback = browser.consent(&authorize, "ada").await;
            // All callbacks arrive at the same time.
            start.wait().await;
            let page = browser.follow_callback(&callback).await;
            assert_eq!(page.see_other(), "/account");
            browser.account(&app).await.expect("signed in").id
        });
    }
    let ids = browsers.join_all().await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(rows(&app.app.db, "users").await, 1);
    assert_eq!(rows(&app.app.db, "identities").await, 1);
    assert_eq!(rows(&app.app.db, "sign_ins").await, i64::try_from(MANY).expect("a number"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sign_ins_create_one_account_on_sqlite() {
    concurrent_sign_ins_create_one_account(Latchkey::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn concurrent_sign_ins_create_one_account_on_postgres() {
    let url = Database::new_postgres_url().await;
    concurrent_sign_ins_create_one_account(Setup::new().set("DATABASE_URL", url).start().await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_users_get_separate_accounts() {
    let issuer = Arc::new(latchkey_tests::Issuer::start().await);
    let app = Arc::new(Setup::new().with_issuer(&issuer).start().await);
    let mut browsers = JoinSet::new();
    for person in 0..MANY {
        let (app, issuer) = (Arc::clone(&app), Arc::clone(&issuer));
        browsers.spawn(async move {
            let mut browser = Browser::new();
            let authorize = browser.start_sign_in(&app, "acme").await;
            let callback = issuer.approve_as(&authorize, &format!("person-{person}"));
            assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
            browser.account(&app).await.expect("signed in").id
        });
    }
    let mut ids = browsers.join_all().await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), MANY);
}
