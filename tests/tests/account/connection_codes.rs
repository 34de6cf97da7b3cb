//! How to get the error codes of connected services.

use latchkey_domain::Span;
use latchkey_store::connections::current;
use latchkey_store::connections::lease::{Lease, take};
use latchkey_tests::accounts::{sign_up, signed_in};
use latchkey_tests::issuer::{Answer, REVOKE, Rotation, TOKEN, USERINFO};
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};
use url::Url;

const ADDRESS: &str = "ada@example.test";

/// A user with a connection to an issuer, with a frozen clock.
async fn connected() -> (Latchkey, Issuer, Browser) {
    let issuer = Issuer::start().await;
    issuer.issue_refresh_tokens(Rotation::Strict, 3600);
    let app = Setup::new().with_issuer(&issuer).with_frozen_clock().start().await;
    sign_up(&app, ADDRESS).await;
    let mut browser = signed_in(&app, ADDRESS, "session").await;
    let authorize = start_sign_in(&mut browser, &app).await;
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    assert_eq!(page.status, 303, "{}", page.summary());
    (app, issuer, browser)
}

async fn start_sign_in(browser: &mut Browser, app: &Latchkey) -> Url {
    let page = browser.post(&app.url("/connections/acme"), &[("profile", "yes")]).await;
    Url::parse(&page.see_other()).expect("a whole URL")
}

async fn profile(browser: &mut Browser, app: &Latchkey) -> Page {
    browser.get(&app.url("/connections/acme/profile")).await
}

/// Uses the connection, with this response of the userinfo endpoint.
pub(crate) async fn service(answer: Answer) -> Page {
    let (app, issuer, mut browser) = connected().await;
    issuer.respond_with(USERINFO, answer);
    profile(&mut browser, &app).await
}

/// Uses the connection after the access token expired, with this response to the refresh.
pub(crate) async fn renewal(status: u16, error: &'static str) -> Page {
    let (app, issuer, mut browser) = connected().await;
    app.advance(Span::minutes(60));
    let body = format!("{{\"error\":\"{error}\"}}");
    issuer.respond_with(TOKEN, Answer::Body(status, "application/json", body));
    profile(&mut browser, &app).await
}

/// Requests something that was not granted.
pub(crate) async fn not_granted() -> Page {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    sign_up(&app, ADDRESS).await;
    let mut browser = signed_in(&app, ADDRESS, "session").await;
    issuer.token_response(|response| response["scope"] = "email".into());
    let authorize = start_sign_in(&mut browser, &app).await;
    let _ = browser.follow_callback(&issuer.approve(&authorize)).await.see_other();
    profile(&mut browser, &app).await
}

/// Requests something that was never connected, or selects nothing.
pub(crate) async fn not_connected() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, ADDRESS).await;
    let mut browser = signed_in(&app, ADDRESS, "session").await;
    browser.get(&app.url("/connections/google/calendar")).await
}

pub(crate) async fn nothing_chosen() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, ADDRESS).await;
    let mut browser = signed_in(&app, ADDRESS, "session").await;
    browser.post(&app.url("/connections/google"), &[]).await
}

/// Returns from the provider after signing out.
pub(crate) async fn connection_lost() -> Page {
    let (app, issuer, mut browser) = connected().await;
    let authorize = start_sign_in(&mut browser, &app).await;
    let _ = browser.post(&app.url("/sign-out"), &[]).await.see_other();
    browser.follow_callback(&issuer.approve(&authorize)).await
}

/// Connects again before the provider has revoked the old grant.
pub(crate) async fn still_disconnecting() -> Page {
    let (app, issuer, mut browser) = connected().await;
    issuer.respond_with(REVOKE, Answer::html(503));
    let _ = browser.post(&app.url("/connections/acme/disconnect"), &[]).await.see_other();
    browser.post(&app.url("/connections/acme"), &[("profile", "yes")]).await
}

/// Another process holds the lease.
pub(crate) async fn being_renewed() -> Page {
    let (app, _issuer, mut browser) = connected().await;
    app.advance(Span::minutes(60));
    let user = browser.account(&app).await.expect("somebody").id.parse().expect("an id");
    let stored = current(&app.app.db, user, "acme").await.expect("a row").expect("a connection");
    let lease = Lease { id: stored.connection.id, version: stored.version, by: "another" };
    let now = app.clock.now();
    assert!(take(&app.app.db, lease, now, now.plus(Span::minutes(1))).await.expect("a lease"));
    profile(&mut browser, &app).await
}
