//! Accounts belong to identities, never to e-mail addresses.

use latchkey_tests::database::rows;
use latchkey_tests::issuer::SUBJECT;
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};

/// Follows the callback from the local provider.
async fn try_with(app: &Latchkey, browser: &mut Browser, provider: &str, person: &str) -> Page {
    let authorize = browser.start_sign_in(app, provider).await;
    let callback = browser.consent(&authorize, person).await;
    browser.follow_callback(&callback).await
}

#[tokio::test]
async fn repeated_sign_in_reaches_the_same_account() {
    let app = Latchkey::start().await;
    for (provider, person) in [("google", "ada"), ("github", "octo"), ("facebook", "noor")] {
        let first = Browser::new().sign_in_with(&app, provider, person).await;
        let again = Browser::new().sign_in_with(&app, provider, person).await;
        assert_eq!(first, again, "{person} at {provider}");
    }
    assert_eq!(rows(&app.app.db, "users").await, 3);
}

#[tokio::test]
async fn matching_verified_email_does_not_sign_in() {
    let app = Latchkey::start().await;
    Browser::new().sign_in_with(&app, "google", "ada").await;
    // Another person at the same provider, and one at another, both with Ada's address.
    for provider in ["google", "github"] {
        let mut twin = Browser::new();
        let page = try_with(&app, &mut twin, provider, "twin").await;
        let page = page.expect_error(409, "email_taken");
        assert!(page.body.contains("/sign-in"), "no way on");
        assert_eq!(twin.account(&app).await, None, "{provider}");
    }
    // Facebook verifies no address, so there is nothing to compare.
    let twin = Browser::new().sign_in_with(&app, "facebook", "twin").await;
    assert_eq!(twin.name, "Ada’s Twin");
    assert_eq!(rows(&app.app.db, "users").await, 2);
}

#[tokio::test]
async fn unverified_email_neither_matches_nor_blocks_accounts() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let ada = Browser::new().sign_in_with(&app, "google", "ada").await;
    for unverified in [
        serde_json::json!(false),
        serde_json::json!("false"),
        serde_json::json!(null),
        serde_json::json!(0),
        serde_json::json!(1),
        serde_json::json!("TRUE"),
        serde_json::json!([true]),
    ] {
        let subject = unverified.to_string();
        issuer.userinfo(move |profile| {
            profile["email"] = "ada@example.test".into();
            profile["email_verified"] = unverified.clone();
        });
        let mut stranger = Browser::new();
        let authorize = stranger.start_sign_in(&app, "acme").await;
        let page = stranger.follow_callback(&issuer.approve_as(&authorize, &subject)).await;
        assert_eq!(page.see_other(), "/account", "{subject}");
        assert_ne!(stranger.account(&app).await.expect("signed in").id, ada.id, "{subject}");
    }
}

#[tokio::test]
async fn unverified_email_cannot_pre_hijack_an_account() {
    // Pre-hijacking: the attacker is first, the victim comes later.
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    issuer.userinfo(|profile| {
        profile["email"] = "ada@example.test".into();
        profile["email_verified"] = false.into();
    });
    let mut attacker = Browser::new();
    let authorize = attacker.start_sign_in(&app, "acme").await;
    let _ = attacker.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    let attackers = attacker.account(&app).await.expect("signed in");
    let ada = Browser::new().sign_in_with(&app, "google", "ada").await;
    assert_ne!(ada.id, attackers.id);
}

#[tokio::test]
async fn same_subject_at_two_providers_creates_two_accounts() {
    let app = Latchkey::start().await;
    // Ada's id at GitHub is another person's at Facebook.
    let ada = Browser::new().sign_in_with(&app, "github", "ada").await;
    let twin = Browser::new().sign_in_with(&app, "facebook", "twin").await;
    assert_ne!(ada.id, twin.id);
}

#[tokio::test]
async fn identities_without_email_get_separate_accounts() {
    let app = Latchkey::start().await;
    let mut ids = Vec::new();
    for provider in ["google", "github", "facebook"] {
        ids.push(Browser::new().sign_in_with(&app, provider, "noor").await.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn changed_email_or_name_keeps_the_account() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    Browser::new().sign_in_with(&app, "google", "ada").await;
    let mut ids = Vec::new();
    for (name, email) in [
        ("Jane Doe", "jane@acme.test"),
        ("Jane Roe", "jane.roe@acme.test"),
        // Even if it now belongs to another account.
        ("Jane Roe", "ada@example.test"),
    ] {
        issuer.userinfo(move |profile| {
            profile["name"] = name.into();
            profile["email"] = email.into();
        });
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        assert_eq!(
            browser.follow_callback(&issuer.approve(&authorize)).await.see_other(),
            "/account"
        );
        ids.push(browser.account(&app).await.expect("signed in").id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn subjects_are_compared_exactly() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut ids = Vec::new();
    for subject in ["abc", "ABC", "abc ", "äbc", "abc"] {
        let address = format!("{}@acme.test", ids.len() % 4);
        issuer.userinfo(move |profile| {
            profile["sub"] = subject.into();
            profile["email"] = address.clone().into();
        });
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let page = browser.follow_callback(&issuer.approve_as(&authorize, subject)).await;
        assert_eq!(page.see_other(), "/account", "{subject:?}");
        ids.push(browser.account(&app).await.expect("signed in").id);
    }
    assert_eq!(ids[0], ids[4]);
    ids.truncate(4);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn invalid_subject_prevents_sign_in() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = Browser::new();
    for subject in [
        serde_json::json!(""),
        serde_json::json!(null),
        serde_json::json!(1),
        serde_json::json!([SUBJECT]),
        serde_json::json!("x".repeat(256)),
        serde_json::json!("a\u{0}b"),
    ] {
        let said = subject.clone();
        issuer.id_token(move |token| token.claims["sub"] = said.clone());
        let said = subject.clone();
        issuer.userinfo(move |profile| profile["sub"] = said.clone());
        let authorize = browser.start_sign_in(&app, "acme").await;
        let page = browser.follow_callback(&issuer.approve(&authorize)).await;
        let _ = page.expect_error(502, "id_token_refused");
    }
    assert_eq!(rows(&app.app.db, "users").await, 0);
}

#[tokio::test]
async fn only_the_local_provider_grants_the_admin_role() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    issuer.userinfo(|profile| profile["email"] = "admin@example.test".into());
    let roles = async |browser: &mut Browser| {
        let page = browser.get(&app.url("/account")).await;
        let (_, rest) = page.body.split_once("<dt>Roles</dt>").expect("roles");
        rest.split_once("</dd>").expect("roles").0.to_owned()
    };
    let mut jane = Browser::new();
    let authorize = jane.start_sign_in(&app, "acme").await;
    let _ = jane.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    assert!(!roles(&mut jane).await.contains("admin"));

    let app = Latchkey::start().await;
    let mut alan = Browser::new();
    alan.sign_in_with(&app, "google", "alan").await;
    let page = alan.get(&app.url("/account")).await;
    let (_, rest) = page.body.split_once("<dt>Roles</dt>").expect("roles");
    assert!(rest.split_once("</dd>").expect("roles").0.contains("admin"));
}
