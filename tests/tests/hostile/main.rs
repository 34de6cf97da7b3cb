//! Broken or hostile providers: the right status, a code from the catalogue, and nobody is signed
//! in.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod back_channel;
mod discovery;
mod id_tokens;
mod keys;
mod profiles;
mod responses;
mod slow;
mod token_responses;

use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};

/// Latchkey with an issuer.
async fn acme() -> (Latchkey, Issuer) {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    (app, issuer)
}

/// Consents at the issuer and follows the callback.
async fn sign_in(app: &Latchkey, issuer: &Issuer, browser: &mut Browser) -> Page {
    let authorize = browser.start_sign_in(app, "acme").await;
    browser.follow_callback(&issuer.approve(&authorize)).await
}

/// Asserts this error, and that nobody is signed in.
#[track_caller]
fn refused(page: &Page, what: &str, status: u16, code: &str) {
    let found = (page.status, page.header("x-error-code"));
    assert_eq!(found, (status, Some(code)), "{what}: {}", page.summary());
    let session =
        page.cookies().into_iter().find(|cookie| cookie.name.starts_with("latchkey_session"));
    assert!(session.is_none_or(|cookie| cookie.is_removal()), "{what}: a session was given");
}
