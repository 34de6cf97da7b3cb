//! An attacker signs up first with a victim's address: an unverified address gives no access, in
//! either direction.

use latchkey_tests::accounts::{PASSWORD, json_of, sign_up, signed_in, submit_password};
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Latchkey};

/// The address of the local provider's Ada, verified there.
async fn adas_address() -> String {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let me = json_of(&browser.get(&app.url("/api/v1/me")).await);
    assert_eq!(me["email_verified"], true);
    me["email"].as_str().expect("an address").to_owned()
}

#[tokio::test]
async fn pre_registered_email_cannot_capture_provider_sign_in() {
    let address = adas_address().await;
    for provider in ["google", "github", "facebook"] {
        let app = Latchkey::start().await;
        sign_up(&app, &address).await;
        let mut eve = signed_in(&app, &address, "session").await;
        let eves = eve.account(&app).await.expect("Eve's account");
        let mut ada = Browser::new();
        let authorize = ada.start_sign_in(&app, provider).await;
        let callback = ada.consent(&authorize, "ada").await;
        assert_eq!(ada.follow_callback(&callback).await.see_other(), "/account", "{provider}");
        let adas = ada.account(&app).await.expect("Ada's account");
        assert_ne!(adas.id, eves.id, "{provider}: she is in Eve's account");
        // Eve's password opens her own account, and nothing of Ada's.
        let mut again = signed_in(&app, &address, "jwt").await;
        assert_eq!(again.account(&app).await, Some(eves), "{provider}");
        let page = again.get(&app.url("/account")).await;
        assert!(!page.body.contains("linked <time"), "{provider}: Ada's identity is Eve's");
    }
}

#[tokio::test]
async fn sign_up_cannot_add_password_to_verified_email() {
    let address = adas_address().await;
    let app = Latchkey::start().await;
    let mut ada = Browser::new();
    let before = ada.sign_in_with(&app, "google", "ada").await;
    for typed in [address.clone(), address.to_uppercase(), format!(" {address} ")] {
        sign_up(&app, &typed).await;
        let page = submit_password(
            &mut Browser::new(),
            &app,
            &[("email", &typed), ("password", PASSWORD)],
        )
        .await;
        let _ = page.expect_error(401, "wrong_credentials");
    }
    assert_eq!(ada.account(&app).await, Some(before));
    assert_eq!(rows(&app.app.db, "users").await, 1);
    assert_eq!(rows(&app.app.db, "passwords").await, 0);
}

#[tokio::test]
async fn provider_sign_in_does_not_verify_password_account() {
    let address = adas_address().await;
    let app = Latchkey::start().await;
    sign_up(&app, &address).await;
    let mut ada = Browser::new();
    let authorize = ada.start_sign_in(&app, "google").await;
    let callback = ada.consent(&authorize, "ada").await;
    assert_eq!(ada.follow_callback(&callback).await.see_other(), "/account");
    let me = json_of(&ada.get(&app.url("/api/v1/me")).await);
    assert_eq!(me["email_verified"], true, "her own account: {me}");
    let mut eve = signed_in(&app, &address, "session").await;
    let me = json_of(&eve.get(&app.url("/api/v1/me")).await);
    assert_eq!(me["email_verified"], false, "{me}");
}
