//! Setting and changing the password.

use latchkey_tests::{Browser, Latchkey};

use crate::helpers::{
    ADA, CHANGED, OTHER_PASSWORD, came_in, email_to, id_by_password, id_of, is_in, link, opens,
    set_password,
};
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, expect_problem, sign_up, signed_in, submit_password, tokens,
};

#[tokio::test]
async fn oauth_account_can_set_a_first_password() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        let mut ada = came_in(&app, "google", "ada", key).await;
        let id = id_of(&mut ada, &app).await;
        let page = set_password(&mut ada, &app, "", PASSWORD).await;
        assert_eq!(page.see_other(), "/account?done=password");
        assert!(is_in(&mut ada, &app).await, "this one stays");
        assert_eq!(id_by_password(&app, ADA).await, id);
        assert!(email_to(&app, ADA, CHANGED).await.link.ends_with("/forgot"));
        assert_eq!(id_of(&mut came_in(&app, "google", "ada", key).await, &app).await, id);
    }
}

#[tokio::test]
async fn password_change_requires_current_password() {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "session").await;
    for wrong in ["", "not the password", &PASSWORD.to_uppercase(), &format!("{PASSWORD} ")] {
        let page = set_password(&mut bob, &app, wrong, OTHER_PASSWORD).await;
        let _ = page.expect_error(403, "wrong_password");
    }
    assert!(opens(&app, "bob@example.test", PASSWORD).await);
    let page = set_password(&mut bob, &app, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(page.see_other(), "/account?done=password");
    assert!(!opens(&app, "bob@example.test", PASSWORD).await, "the old one still works");
    assert!(opens(&app, "bob@example.test", OTHER_PASSWORD).await);
}

#[tokio::test]
async fn weak_passwords_are_refused_with_a_reason() {
    let app = Latchkey::start().await;
    sign_up(&app, "roberta@example.test").await;
    let mut one = signed_in(&app, "roberta@example.test", "session").await;
    for (weak, reason) in [
        ("", "at least 8"),
        ("short", "at least 8"),
        ("password1", "too common"),
        ("aaaaaaaaaaaa", "more than one character"),
        ("12345678", "in sequence"),
        ("roberta@example.test", "use your name"),
        ("12345latchkey", "use your name"),
        (&"x y".repeat(100), "at most 256"),
    ] {
        let page = set_password(&mut one, &app, PASSWORD, weak).await;
        let page = page.expect_error(422, "weak_password");
        assert!(page.body.contains(reason), "{weak:.20}: {}", page.summary());
    }
    assert!(opens(&app, "roberta@example.test", PASSWORD).await);
}

#[tokio::test]
async fn password_change_ends_all_other_sign_ins() {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let mut this = signed_in(&app, "bob@example.test", "session").await;
    let mut session = signed_in(&app, "bob@example.test", "session").await;
    let mut jwt = signed_in(&app, "bob@example.test", "jwt").await;
    let program = tokens(&app, "bob@example.test", None).await;
    let _ = set_password(&mut this, &app, PASSWORD, OTHER_PASSWORD).await.expect(303);
    assert!(is_in(&mut this, &app).await);
    let page = session.get(&app.url("/account")).await;
    let _ = page.expect_error(401, "sign_in_required");
    // A JWT cannot be refreshed any more.
    let page = ApiClient::new(&app).refresh(&program.refresh).await;
    expect_problem(&page, 400, "refresh_token_ended");
    jwt.jar.set("localhost", &app.cookie("latchkey_token"), "expired");
    let _ = jwt.get(&app.url("/account")).await.expect_error(401, "sign_in_required");
}

#[tokio::test]
async fn setting_password_requires_an_email_address() {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let page = set_password(&mut noor, &app, "", OTHER_PASSWORD).await;
    let _ = page.expect_error(409, "email_missing");
    // Linking a provider that has an address helps.
    let _ = link(&mut noor, &app, "google", "octo").await.expect(303);
    let page = set_password(&mut noor, &app, "", OTHER_PASSWORD).await;
    assert_eq!(page.see_other(), "/account?done=password", "{}", page.summary());
    assert!(opens(&app, "octavia@example.test", OTHER_PASSWORD).await);
}

#[tokio::test]
async fn verified_email_overrides_unverified_password() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        sign_up(&app, ADA).await;
        let eve = id_by_password(&app, ADA).await;
        let mut ada = came_in(&app, "google", "ada", key).await;
        let id = id_of(&mut ada, &app).await;
        assert_ne!(id, eve);
        let page = set_password(&mut ada, &app, "", OTHER_PASSWORD).await;
        assert_eq!(page.see_other(), "/account?done=password", "{}", page.summary());
        assert!(!opens(&app, ADA, PASSWORD).await, "{key}: Eve's password still opens something");
        let mut browser = Browser::new();
        let fields = [("email", ADA), ("password", OTHER_PASSWORD)];
        let _ = submit_password(&mut browser, &app, &fields).await.expect(303);
        assert_eq!(id_of(&mut browser, &app).await, id);
    }
}

#[tokio::test]
async fn unverified_email_does_not_override_unverified_password() {
    let app = Latchkey::start().await;
    sign_up(&app, "grace@example.test").await;
    // At Google, Grace's address is the same, but not verified.
    let mut grace = came_in(&app, "google", "grace", "session").await;
    let page = set_password(&mut grace, &app, "", OTHER_PASSWORD).await;
    let _ = page.expect_error(409, "password_email_taken");
    assert!(opens(&app, "grace@example.test", PASSWORD).await);
}

#[tokio::test]
async fn well_known_change_password_redirects_to_account() {
    let app = Latchkey::start().await;
    let page = Browser::new().get(&app.url("/.well-known/change-password")).await;
    assert!((300..400).contains(&page.status), "{}", page.summary());
    assert!(page.header("location").is_some_and(|to| to.starts_with("/account")));
}
