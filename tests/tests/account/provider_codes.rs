//! How to get the error codes of provider sign-ins.

use latchkey_domain::Span;
use latchkey_tests::issuer::{Answer, DISCOVERY, TOKEN};
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};
use serde_json::json;
use url::Url;

use crate::helpers::{came_in, come_in, link, unlink};

pub(crate) async fn acme() -> (Latchkey, Issuer) {
    let issuer = Issuer::start().await;
    (Setup::new().with_issuer(&issuer).start().await, issuer)
}

pub(crate) async fn answered(parameters: &'static [(&'static str, &'static str)]) -> Page {
    let (app, issuer) = acme().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let mut all = vec![("iss", issuer.url.as_str())];
    all.extend(parameters);
    browser.follow_callback(&issuer.authorization_response(&authorize, &all)).await
}

pub(crate) async fn at_discovery(answer: Answer) -> Page {
    let (app, issuer) = acme().await;
    issuer.respond_with(DISCOVERY, answer);
    Browser::new().post(&app.url("/auth/acme"), &[]).await
}

pub(crate) async fn complete_acme_sign_in(app: &Latchkey, issuer: &Issuer) -> Page {
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(app, "acme").await;
    browser.follow_callback(&issuer.approve(&authorize)).await
}

pub(crate) async fn at_token(status: u16, error: &'static str) -> Page {
    let (app, issuer) = acme().await;
    let body = json!({ "error": error }).to_string();
    issuer.respond_with(TOKEN, Answer::Body(status, "application/json", body));
    let page = complete_acme_sign_in(&app, &issuer).await;
    if error == "invalid_client" {
        // The page shows the operator the exact redirect URI.
        assert!(page.body.contains(&app.callback("acme")), "{}", page.summary());
    }
    page
}

pub(crate) async fn wrong_nonce() -> Page {
    let (app, issuer) = acme().await;
    issuer.id_token(|token| token.claims["nonce"] = "another".into());
    complete_acme_sign_in(&app, &issuer).await
}

/// The local provider uses system time; our clock is two hours ahead.
pub(crate) async fn clock_skew() -> Page {
    let app = Setup::new().with_frozen_clock().start().await;
    app.advance(Span::minutes(120));
    let page = come_in(&mut Browser::new(), &app, "google", "ada", "session").await;
    assert!(page.body.contains("2 hours") || page.body.contains("1 hour 59"), "{}", page.summary());
    page
}

pub(crate) async fn waiting(app: &Latchkey, browser: &mut Browser) -> Url {
    let authorize = browser.start_sign_in(app, "google").await;
    browser.consent(&authorize, "ada").await
}

pub(crate) async fn stray(mut other: Browser) -> Page {
    let app = Latchkey::start().await;
    let callback = waiting(&app, &mut Browser::new()).await;
    other.follow_callback(&callback).await
}

pub(crate) async fn attempt_expired() -> Page {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut browser = Browser::new();
    let callback = waiting(&app, &mut browser).await;
    app.advance(Span::minutes(17));
    let page = browser.follow_callback(&callback).await;
    assert!(page.body.contains("17 minutes"), "its age: {}", page.summary());
    page
}

pub(crate) async fn attempt_used() -> Page {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let callback = waiting(&app, &mut browser).await;
    let _ = browser.follow_callback(&callback).await.expect(303);
    // Another attempt has signed in since; this one is void.
    let newer = waiting(&app, &mut browser).await;
    let _ = browser.follow_callback(&newer).await.expect(303);
    let page = browser.follow_callback(&callback).await;
    assert!(page.body.contains("Continue to your account"), "{}", page.summary());
    page
}

pub(crate) async fn email_taken() -> Page {
    let app = Latchkey::start().await;
    came_in(&app, "google", "ada", "session").await;
    come_in(&mut Browser::new(), &app, "google", "twin", "session").await
}

pub(crate) async fn identity_taken() -> Page {
    let app = Latchkey::start().await;
    came_in(&app, "google", "noor", "session").await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    link(&mut ada, &app, "google", "noor").await
}

pub(crate) async fn last_way_in() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    unlink(&mut ada, &app, "google").await
}

pub(crate) async fn link_lost() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    ada.get(&app.url("/account/link")).await
}

/// An issuer that is told to authenticate again, and does not say that it did.
pub(crate) async fn missing_reauthentication() -> Page {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in_with(&app, "acme", &[("again", "1")]).await;
    browser.follow_callback(&issuer.approve(&authorize)).await
}
