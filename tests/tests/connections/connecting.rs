//! Connecting a service, and the callback with the grant.

use latchkey_tests::issuer::{Answer, REVOKE, Rotation, SUBJECT, TOKEN, USERINFO};
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Latchkey, Setup};
use serde_json::json;
use url::Url;

use crate::helpers::{connect, disconnect, issuer, overview, profile, somebody, start_sign_in};

fn optional(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn authorization_request_has_selected_scopes_per_provider() {
    let app = Latchkey::start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    let calendar = "https://www.googleapis.com/auth/calendar.readonly";
    let contacts = "https://www.googleapis.com/auth/contacts";
    for (provider, ticked, scope, extra) in [
        (
            "google",
            &["calendar"][..],
            format!("email {calendar} openid profile"),
            &[
                ("access_type", "offline"),
                ("prompt", "consent"),
                ("include_granted_scopes", "true"),
            ][..],
        ),
        (
            "google",
            &["calendar", "contacts"],
            format!("email {calendar} {contacts} openid profile"),
            &[("access_type", "offline")],
        ),
        ("github", &["repositories"], "read:user repo user:email".to_owned(), &[]),
        (
            "facebook",
            &["profile"],
            "email public_profile".to_owned(),
            &[("auth_type", "rerequest")],
        ),
    ] {
        let to = start_sign_in(&mut browser, &app, provider, ticked).await;
        assert_eq!(parameter(&to, "scope"), scope, "{provider}");
        assert_eq!(parameter(&to, "code_challenge_method"), "S256");
        assert_eq!(parameter(&to, "redirect_uri"), app.callback(provider));
        assert!(parameter(&to, "state").len() >= 43);
        for (name, value) in extra {
            assert_eq!(optional(&to, name).as_deref(), Some(*value), "{provider} {name}");
        }
    }
    // A sign-in requests none of these scopes.
    let to = Browser::new().start_sign_in(&app, "google").await;
    assert_eq!(parameter(&to, "scope"), "openid email profile");
    for name in ["access_type", "prompt", "include_granted_scopes"] {
        assert_eq!(optional(&to, name), None, "{name}");
    }
}

#[tokio::test]
async fn connecting_service_leaves_session_unchanged() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    let (before, session) = (browser.account(&app).await, browser.session(&app));
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let callback = issuer.approve(&authorize);
    // Prefetching and reloading the callback do no harm.
    for _ in 0..2 {
        let page = browser.follow_callback(&callback).await;
        assert_eq!(page.see_other(), "/connections?done=connected&at=acme#acme");
    }
    assert_eq!(issuer.requests(TOKEN).len(), 1, "the code was shown once");
    assert_eq!(browser.account(&app).await, before);
    assert_eq!(browser.session(&app), session, "nobody was signed in anew");
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("Jane Doe"), "{}", page.summary());
    let page = profile(&mut browser, &app).await.expect(200);
    assert!(page.body.contains("248289761001@acme.test"), "{}", page.summary());
    // It is not a sign-in method: signing in with that identity gives another account.
    let mut stranger = Browser::new();
    let authorize = stranger.start_sign_in(&app, "acme").await;
    let page = stranger.follow_callback(&issuer.approve(&authorize)).await;
    assert_eq!(page.see_other(), "/account");
    assert_ne!(stranger.account(&app).await, before);
}

#[tokio::test]
async fn connection_callback_requires_initiating_user_and_browser() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let callback = issuer.approve(&authorize);
    // Another user has signed in here meanwhile.
    latchkey_tests::accounts::sign_up(&app, "eve@example.test").await;
    let fields = [("email", "eve@example.test"), ("password", latchkey_tests::accounts::PASSWORD)];
    let _ =
        latchkey_tests::accounts::submit_password(&mut browser, &app, &fields).await.see_other();
    let _ = browser.follow_callback(&callback).await.expect_error(400, "connection_lost");
    assert!(issuer.requests(TOKEN).is_empty(), "the code was not even redeemed");
    let page = overview(&mut browser, &app).await;
    assert!(!page.body.contains("Jane Doe"));
    // Or the user has signed out.
    let mut browser = latchkey_tests::accounts::signed_in(&app, "ada@example.test", "jwt").await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let _ = browser.post(&app.url("/sign-out"), &[]).await.see_other();
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    let _ = page.expect_error(400, "connection_lost");
    // Or it is another browser.
    let mut browser =
        latchkey_tests::accounts::signed_in(&app, "ada@example.test", "session").await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let mut other = latchkey_tests::accounts::signed_in(&app, "ada@example.test", "session").await;
    let page = other.follow_callback(&issuer.approve(&authorize)).await;
    assert_eq!(page.status, 400, "{}", page.summary());
}

#[tokio::test]
async fn connection_routes_require_sign_in() {
    let app = Latchkey::start().await;
    for (path, fields) in [
        ("/connections/google", &[("calendar", "yes")][..]),
        ("/connections/google/disconnect", &[]),
    ] {
        let page = Browser::new().post(&app.url(path), fields).await;
        let _ = page.expect_error(401, "sign_in_required");
    }
    for path in ["/connections", "/connections/google/calendar"] {
        let _ = Browser::new().get(&app.url(path)).await.expect_error(401, "sign_in_required");
    }
    let mut browser = somebody(&app, "ada@example.test").await;
    for (path, status, code) in [
        ("/connections/nobody/profile", 404, "unknown_provider"),
        ("/connections/google/repositories", 404, "not_found"),
        ("/connections/google/calendar", 404, "not_connected"),
    ] {
        let _ = browser.get(&app.url(path)).await.expect_error(status, code);
    }
    let page = browser.post(&app.url("/connections/google"), &[]).await;
    let _ = page.expect_error(400, "nothing_chosen");
}

#[tokio::test]
async fn ended_sign_in_cannot_connect_a_service() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let _ = somebody(&app, "ada@example.test").await;
    let mut browser = latchkey_tests::accounts::signed_in(&app, "ada@example.test", "jwt").await;
    let mut other = latchkey_tests::accounts::signed_in(&app, "ada@example.test", "session").await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let _ = other.post(&app.url("/account/sign-ins/end-others"), &[]).await.see_other();
    // The access token has not expired, but its sign-in has ended.
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    let _ = page.expect_error(401, "token_revoked");
    let page = browser.post(&app.url("/connections/acme"), &[("profile", "yes")]).await;
    let _ = page.expect_error(401, "token_revoked");
}

#[tokio::test]
async fn ended_sign_in_cannot_use_or_disconnect_service() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let mut ended = latchkey_tests::accounts::signed_in(&app, "ada@example.test", "jwt").await;
    let _ = browser.post(&app.url("/account/sign-ins/end-others"), &[]).await.see_other();
    let asked = issuer.requests(USERINFO).len();
    let _ = profile(&mut ended, &app).await.expect_error(401, "token_revoked");
    let page = ended.post(&app.url("/connections/acme/disconnect"), &[]).await;
    let _ = page.expect_error(401, "token_revoked");
    assert_eq!(issuer.requests(USERINFO).len(), asked);
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn grant_is_revoked_when_connecting_fails() {
    let issuer = issuer(Rotation::Strict).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    issuer.respond_with(USERINFO, Answer::html(503));
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    let _ = page.expect_error(503, "provider_down");
    assert!(!issuer.accepts_access_token_of(SUBJECT));
    // But not while another grant is active: at Google both would end.
    issuer.reset();
    connect(&mut browser, &app, &issuer).await;
    let asked = issuer.requests(REVOKE).len();
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    issuer.respond_with(USERINFO, Answer::html(503));
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    let _ = page.expect_error(503, "provider_down");
    assert_eq!(issuer.requests(REVOKE).len(), asked);
    issuer.reset();
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn callback_is_refused_while_disconnecting() {
    let issuer = issuer(Rotation::Strict).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    issuer.respond_with(REVOKE, Answer::html(503));
    assert_eq!(disconnect(&mut browser, &app, "acme").await, "disconnecting");
    let exchanged = issuer.requests(TOKEN).len();
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    let _ = page.expect_error(409, "still_disconnecting");
    assert_eq!(issuer.requests(TOKEN).len(), exchanged, "the code was not even redeemed");
}

#[tokio::test]
async fn denied_consent_leaves_existing_connection_unchanged() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let no = issuer
        .authorization_response(&authorize, &[("error", "access_denied"), ("iss", &issuer.url)]);
    for _ in 0..2 {
        let to = browser.follow_callback(&no).await.see_other();
        assert_eq!(to, "/connections?done=declined&at=acme#acme");
    }
    let page = browser.get(&app.url("/connections?done=declined&at=acme")).await.expect(200);
    assert!(page.body.contains("You declined at Acme. Nothing has changed."), "{}", page.summary());
    let _ = profile(&mut browser, &app).await.expect(200);
}

#[tokio::test]
async fn invalid_token_response_creates_no_connection() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    issuer.token_response(|response| response["access_token"] = json!(null));
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    let page = page.expect_error(502, "provider_nonsense");
    let said = "Acme sent something that the standard does not allow";
    assert!(page.body.contains(said), "{}", page.summary());
    assert!(page.body.contains("/connections#acme"), "there is a way back");
    assert!(!page.body.contains("action=\"/auth/"), "and no way to sign in instead");
    let _ = profile(&mut browser, &app).await.expect_error(404, "not_connected");
}

#[tokio::test]
async fn reconnecting_with_another_account_replaces_the_grant() {
    let issuer = issuer(Rotation::Never).await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, &issuer).await;
    let authorize = start_sign_in(&mut browser, &app, "acme", &["profile"]).await;
    let page = browser.follow_callback(&issuer.approve_as(&authorize, "other")).await;
    assert_eq!(page.see_other(), "/connections?done=connected&at=acme#acme");
    let page = profile(&mut browser, &app).await.expect(200);
    assert!(page.body.contains("other@acme.test"), "{}", page.summary());
    // The tokens of the first grant are revoked in the background.
    crate::helpers::until("the revocation", async || {
        !issuer.accepts_access_token_of("248289761001")
    })
    .await;
    assert!(issuer.accepts_access_token_of("other"));
}
