//! A silent sign-in at a provider is not a new authentication: anyone at an unlocked browser could
//! do it.

use latchkey_domain::Span;
use latchkey_tests::database::rows;
use latchkey_tests::issuer::Issuer;
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use serde_json::{Value, json};
use url::Url;

use crate::helpers::{came_in, code_for, come_in, delete, link, prove, set_password};
use latchkey_tests::accounts::{PASSWORD, sign_up, signed_in};

const AGAIN: &str = "/sign-in?again=1&next=%2Faccount";
/// Ada's address at GitHub.
const OF_ADA: &str = "ada@github.example.test";

/// Jane, who signed in with Acme for the first time and then left.
async fn start_with_stale_sign_in() -> (Latchkey, Issuer, Browser) {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).with_frozen_clock().start().await;
    let mut jane = Browser::new();
    let authorize = jane.start_sign_in(&app, "acme").await;
    let _ = jane.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    app.advance(Span::minutes(11));
    (app, issuer, jane)
}

/// The issuer asks nothing, and reports this age of the last authentication.
fn sends_back(app: &Latchkey, issuer: &Issuer, auth_time: Value) {
    let now = app.clock.now().as_seconds();
    issuer.id_token(move |token| {
        token.claims["iat"] = json!(now);
        token.claims["exp"] = json!(now + 300);
        token.claims["auth_time"] = auth_time.clone();
    });
}

async fn around(app: &Latchkey, issuer: &Issuer, jane: &mut Browser, again: &str) -> (Url, Page) {
    let authorize = jane.start_sign_in_with(app, "acme", &[("again", again)]).await;
    let page = jane.follow_callback(&issuer.approve(&authorize)).await;
    (authorize, page)
}

/// Asserts that irreversible actions are refused.
async fn assert_locked(app: &Latchkey, jane: &mut Browser, what: &str) {
    for (path, fields) in [
        ("/account/delete", &[("confirm", "delete")][..]),
        ("/account/link/google", &[]),
        ("/account/unlink", &[("issuer", "x"), ("subject", "y")]),
        ("/account/password", &[("current", ""), ("new", "seven herons over the weir")]),
        ("/account/sign-ins/end-all", &[]),
    ] {
        let page = jane.post(&app.url(path), fields).await;
        assert_eq!(page.header("x-error-code"), Some("fresh_proof_required"), "{what}: {path}");
    }
    assert_eq!(rows(&app.app.db, "users").await, 1, "{what}");
}

#[tokio::test]
async fn silent_sign_in_is_not_recent_authentication() {
    let (app, issuer, mut jane) = start_with_stale_sign_in().await;
    assert_locked(&app, &mut jane, "before").await;
    let now = app.clock.now().as_seconds();
    for auth_time in [json!(null), json!(now - 3600), json!("just now"), json!(now + 3600)] {
        sends_back(&app, &issuer, auth_time.clone());
        let (_, page) = around(&app, &issuer, &mut jane, "").await;
        assert_eq!(page.see_other(), "/account", "{auth_time}");
        assert_locked(&app, &mut jane, &auth_time.to_string()).await;
    }
    // A provider that has just authenticated the user says so without being asked.
    sends_back(&app, &issuer, json!(now - 20));
    let _ = around(&app, &issuer, &mut jane, "").await.1.expect(303);
    let _ = delete(&mut jane, &app).await.expect(303);
    assert_eq!(rows(&app.app.db, "users").await, 0);
}

#[tokio::test]
async fn reauthentication_requires_fresh_auth_time_from_provider() {
    let (app, issuer, mut jane) = start_with_stale_sign_in().await;
    let page = jane.get(&app.url(AGAIN)).await.expect(200);
    assert!(page.body.contains("name=\"again\" value=\"1\""), "{}", page.summary());
    let now = app.clock.now().as_seconds();
    for auth_time in [json!(null), json!(now - 120), json!(now.to_string()), json!(now + 120)] {
        sends_back(&app, &issuer, auth_time.clone());
        let (authorize, page) = around(&app, &issuer, &mut jane, "1").await;
        for asked in [("prompt", "login"), ("max_age", "0")] {
            let found = authorize.query_pairs().any(|(name, value)| (&*name, &*value) == asked);
            assert!(found, "{asked:?} is not in {authorize}");
        }
        let page = page.expect_error(403, "provider_did_not_ask");
        assert!(page.body.contains("/sign-in?again=1"), "what to do: {}", page.summary());
        assert!(jane.account(&app).await.is_some(), "{auth_time}: she was signed out");
        assert_locked(&app, &mut jane, &auth_time.to_string()).await;
    }
    // Some providers reject the parameter as an error: then other ways are offered.
    let way_out = "with your password, or a code by e-mail";
    for (again, says_so) in [("1", true), ("", false)] {
        let authorize = jane.start_sign_in_with(&app, "acme", &[("again", again)]).await;
        let no = issuer.authorization_response(
            &authorize,
            &[("error", "invalid_request"), ("iss", &issuer.url)],
        );
        let page = jane.follow_callback(&no).await.expect_error(502, "provider_refused");
        assert_eq!(page.body.contains(way_out), says_so, "{}", page.summary());
        assert_eq!(page.body.contains("/sign-in?again=1"), says_so, "{}", page.summary());
    }
    // With the largest allowed difference of two clocks.
    sends_back(&app, &issuer, json!(now - 50));
    assert_eq!(around(&app, &issuer, &mut jane, "1").await.1.see_other(), "/account");
    let _ = delete(&mut jane, &app).await.expect(303);
    assert_eq!(rows(&app.app.db, "users").await, 0);
}

/// Google does not support `prompt=login`, and sends `auth_time` only on request.
#[tokio::test]
async fn google_reauthentication_uses_max_age_without_prompt() {
    let app = Latchkey::start().await;
    let to = Browser::new().start_sign_in_with(&app, "google", &[("again", "1")]).await;
    let asked: Vec<_> = to.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(asked.iter().any(|one| one == "max_age=0"), "{to}");
    assert!(!asked.iter().any(|one| one == "prompt=login"), "{to}");
    assert!(asked.iter().any(|one| one.starts_with("claims=") && one.contains("auth_time")));
}

/// GitHub and Facebook do not report the last authentication: another proof is needed.
#[tokio::test]
async fn email_code_reauthenticates_users_of_github() {
    for key in ["session", "jwt"] {
        let app = Setup::new().with_frozen_clock().start().await;
        let mut ada = came_in(&app, "github", "ada", key).await;
        app.advance(Span::minutes(11));
        for fields in [&[("strategy", key)][..], &[("strategy", key), ("again", "1")]] {
            let authorize = ada.start_sign_in_with(&app, "github", fields).await;
            let callback = ada.consent(&authorize, "ada").await;
            assert_eq!(ada.follow_callback(&callback).await.see_other(), "/account");
            let _ = delete(&mut ada, &app).await.expect_error(403, "fresh_proof_required");
        }
        let page = ada.get(&app.url(AGAIN)).await.expect(200);
        assert!(!page.body.contains("action=\"/auth/github\""), "{}", page.summary());
        assert!(page.body.contains("GitHub and Facebook can’t say when"), "no word on why");

        let code = &code_for(&mut ada, &app, OF_ADA).await;
        // A code for another user in another browser is refused.
        let mut elsewhere = came_in(&app, "github", "ada", key).await;
        let _ = prove(&mut elsewhere, &app, code).await.expect_error(403, "wrong_code");
        let _ = prove(&mut ada, &app, "AAAA-AAAA").await.expect_error(403, "wrong_code");
        let _ = delete(&mut ada, &app).await.expect_error(403, "fresh_proof_required");
        // With spaces, as people type it; it works once.
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(prove(&mut ada, &app, &typed).await.see_other(), "/account?done=proved");
        let _ = prove(&mut ada, &app, code).await.expect_error(403, "wrong_code");
        app.advance(Span::minutes(9));
        let _ = link(&mut ada, &app, "google", "ada").await.expect(303);
        app.advance(Span::minutes(2));
        let _ = delete(&mut ada, &app).await.expect_error(403, "fresh_proof_required");
    }
}

#[tokio::test]
async fn email_code_expires_and_guesses_are_limited() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut ada = came_in(&app, "github", "ada", "session").await;
    app.advance(Span::minutes(11));
    let code = &code_for(&mut ada, &app, OF_ADA).await;
    app.advance(Span::seconds(599));
    assert_eq!(prove(&mut ada, &app, code).await.see_other(), "/account?done=proved");
    let mut ada = came_in(&app, "github", "ada", "session").await;
    let code = &code_for(&mut ada, &app, OF_ADA).await;
    app.advance(Span::seconds(601));
    let _ = prove(&mut ada, &app, code).await.expect_error(403, "wrong_code");
    for _ in 0..9 {
        let _ = prove(&mut ada, &app, "0000-0000").await.expect(403);
    }
    let page = prove(&mut ada, &app, "0000-0000").await;
    assert_eq!(page.header("x-error-code"), Some("too_many_tries"), "{}", page.summary());
}

/// An unverified address cannot receive a code; a password can be used.
#[tokio::test]
async fn unverified_account_reauthenticates_with_password() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "session").await;
    app.advance(Span::minutes(11));
    let page = bob.get(&app.url(AGAIN)).await.expect(200);
    assert!(!page.body.contains("/account/proof/send"), "a code to an address nobody proved");
    assert!(page.body.contains("first <a href=\"/account\">verify your address</a>"), "no way out");
    let page = bob.post(&app.url("/account/proof/send"), &[]).await;
    let _ = page.expect_error(409, "email_unverified");
    let _ = delete(&mut bob, &app).await.expect_error(403, "fresh_proof_required");
    let fields = [("email", "bob@example.test"), ("password", PASSWORD)];
    let _ = bob.post(&app.url("/sign-in"), &fields).await.expect(303);
    let _ = delete(&mut bob, &app).await.expect(303);
}

/// Users with neither a verified address nor a password could never delete their account, so the
/// provider's word is enough for them.
#[tokio::test]
async fn account_without_email_reauthenticates_with_provider() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut noor = came_in(&app, "facebook", "noor", "session").await;
    assert!(noor.get(&app.url("/account")).await.body.contains("No e-mail address"));
    app.advance(Span::minutes(11));
    let _ = delete(&mut noor, &app).await.expect_error(403, "fresh_proof_required");
    let page = noor.get(&app.url(AGAIN)).await.expect(200);
    assert!(page.body.contains("action=\"/auth/facebook\""), "{}", page.summary());
    let _ = come_in(&mut noor, &app, "facebook", "noor", "session").await.expect(303);
    let _ = link(&mut noor, &app, "google", "noor").await.expect(303);
    // Facebook does not say whether an address is verified, so no code can be sent to it.
    let mut ada = came_in(&app, "facebook", "ada", "session").await;
    app.advance(Span::minutes(11));
    let _ = delete(&mut ada, &app).await.expect_error(403, "fresh_proof_required");
    let page = ada.get(&app.url(AGAIN)).await.expect(200);
    assert!(page.body.contains("action=\"/auth/facebook\""), "{}", page.summary());
    let _ = come_in(&mut ada, &app, "facebook", "ada", "session").await.expect(303);
    let _ = delete(&mut ada, &app).await.expect(303);
    // From here on there is a password.
    app.advance(Span::minutes(11));
    let _ = come_in(&mut noor, &app, "facebook", "noor", "session").await.expect(303);
    let page = set_password(&mut noor, &app, "", "seven herons over the weir").await;
    let _ = page.expect_error(403, "fresh_proof_required");
}
