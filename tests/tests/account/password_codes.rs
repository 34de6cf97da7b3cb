//! How to get the error codes of passwords and the account.

use latchkey_domain::Span;
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use serde_json::{Value, json};

use crate::helpers::{ADA, came_in, set_password};
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, fill_password_queue, sign_up, signed_in, submit_password,
};
use latchkey_tests::jws::with_changes;

pub(crate) async fn wrong_credentials() -> Page {
    token(json!({ "password": "not the password" })).await
}

/// Requests a token, with these members changed.
pub(crate) async fn token(change: Value) -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let right = json!({ "email": "bob@example.test", "password": PASSWORD });
    ApiClient::new(&app).post("/api/v1/token", with_changes(&right, change)).await
}

pub(crate) async fn wrong_password() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "session").await;
    set_password(&mut bob, &app, "not the password", "a new one, long enough").await
}

pub(crate) async fn weak_password() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    set_password(&mut ada, &app, "", "password1").await
}

pub(crate) async fn email_missing() -> Page {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    set_password(&mut noor, &app, "", "a new one, long enough").await
}

pub(crate) async fn password_email_taken() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "grace@example.test").await;
    let mut grace = came_in(&app, "google", "grace", "session").await;
    set_password(&mut grace, &app, "", "a new one, long enough").await
}

pub(crate) async fn fresh_proof_required() -> Page {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    app.advance(Span::minutes(11));
    crate::helpers::delete(&mut ada, &app).await
}

pub(crate) async fn not_confirmed() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    ada.post(&app.url("/account/delete"), &[("confirm", "perhaps")]).await
}

pub(crate) async fn too_many_tries() -> Page {
    let app = Setup::new().with_frozen_clock().start().await;
    let fields = [("email", "bob@example.test"), ("password", "not the password")];
    for _ in 0..12 {
        let _ = submit_password(&mut Browser::new(), &app, &fields).await;
    }
    submit_password(&mut Browser::new(), &app, &fields).await
}

/// The queue is full.
pub(crate) async fn busy() -> Page {
    let app = Latchkey::start().await;
    let _storm = fill_password_queue(&app).await;
    let fields = [("email", "bob@example.test"), ("password", "not the password")];
    submit_password(&mut Browser::new(), &app, &fields).await
}

pub(crate) async fn wrong_code() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    ada.post(&app.url("/account/proof"), &[("code", "ABCD-2345")]).await
}

pub(crate) async fn email_unverified() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let mut ada = signed_in(&app, ADA, "session").await;
    ada.post(&app.url("/account/proof/send"), &[]).await
}
