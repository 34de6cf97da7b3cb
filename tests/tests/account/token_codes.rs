//! How to get the error codes of tokens and scopes.

use latchkey_domain::Span;
use latchkey_tests::issuer::{Answer, INTROSPECT};
use latchkey_tests::{Browser, Database, Issuer, Latchkey, Page, Setup, execute};
use reqwest::Method;
use serde_json::{Value, json};

use latchkey_tests::accounts::{ApiClient, PASSWORD, instance, sign_up, tokens};
use latchkey_tests::jws::{OwnKey, decode, with_changes};

/// Bob's API client sends a request.
pub(crate) async fn api(method: Method, path: &'static str, body: Option<Value>) -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    ApiClient::with(&app, &tokens.access).call(method, path, body).await
}

pub(crate) async fn two_headers() -> Page {
    let app = Latchkey::start().await;
    let headers = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    Browser::new().send(Method::GET, &app.url("/api/v1/me"), &headers, None).await
}

pub(crate) async fn token_revoked() -> Page {
    let app = Setup::new().set("JWT_REVOCATION", "watch").start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    let mut program = ApiClient::with(&app, &tokens.access);
    let _ = program.revoke(&tokens.refresh).await.expect(200);
    program.get("/api/v1/me").await
}

/// Sends a token derived from a valid one.
pub(crate) async fn forged(make: fn(&OwnKey, &Value, &Value, &str) -> String) -> Page {
    forged_by(make).await
}

pub(crate) async fn forged_by(
    make: impl FnOnce(&OwnKey, &Value, &Value, &str) -> String + Send,
) -> Page {
    let key = OwnKey::new("EdDSA");
    let setup = Setup::new().set("JWT_ALGORITHM", "EdDSA").set("JWT_PRIVATE_KEY", &key.pem);
    let app = setup.start().await;
    sign_up(&app, "bob@example.test").await;
    let good = tokens(&app, "bob@example.test", None).await.access;
    let (header, claims) = decode(&good);
    let token = make(&key, &header, &claims, &good);
    ApiClient::with(&app, &token).get("/api/v1/me").await
}

pub(crate) async fn header(change: Value) -> Page {
    forged_by(move |key, header, claims, _| {
        key.sign(&with_changes(header, change).to_string(), &claims.to_string())
    })
    .await
}

pub(crate) async fn claims(change: Value) -> Page {
    forged_by(move |key, header, claims, _| {
        key.sign(&header.to_string(), &with_changes(claims, change).to_string())
    })
    .await
}

/// Sends an opaque token for which the issuer responds like this.
pub(crate) async fn introspected(answer: Answer) -> Page {
    let (app, issuer) = asks_acme().await;
    issuer.respond_with(INTROSPECT, answer);
    ApiClient::with(&app, "opaque").get("/api/v1/me").await
}

pub(crate) async fn introspected_as(subject: &'static str) -> Page {
    let (app, issuer) = asks_acme().await;
    let audience = app.url("/api");
    issuer.respond_with(
        INTROSPECT,
        Answer::Json(json!({ "active": true, "sub": subject, "aud": audience })),
    );
    ApiClient::with(&app, "opaque").get("/api/v1/me").await
}

/// The authorization server's list of apps is unavailable.
pub(crate) async fn access_not_ended() -> Page {
    const METADATA: &str = "/.well-known/oauth-authorization-server";
    let issuer = Issuer::start().await;
    let app = Setup::new().with_introspection(&issuer).with_issuer(&issuer).start().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let _ = browser.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    let place = format!("{}/authorizations", issuer.url);
    let metadata = json!({ "issuer": issuer.url, "authorizations_endpoint": place });
    issuer.respond_with(METADATA, Answer::Json(metadata));
    browser.post(&app.url("/connections/apps/end"), &[("id", "7")]).await
}

pub(crate) async fn asks_acme() -> (Latchkey, Issuer) {
    let issuer = Issuer::start().await;
    (Setup::new().with_introspection(&issuer).start().await, issuer)
}

pub(crate) async fn insufficient_scope() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let narrow = tokens(&app, "bob@example.test", Some("calendar:read")).await;
    ApiClient::with(&app, &narrow.access).get("/api/v1/contacts").await
}

/// Refreshes once, waits, and uses one of the two refresh tokens.
pub(crate) async fn refresh(which: fn(String, String) -> String, later: Span) -> Page {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, "bob@example.test").await;
    let first = tokens(&app, "bob@example.test", None).await;
    let mut program = ApiClient::new(&app);
    let next = latchkey_tests::accounts::Tokens::of(&program.refresh(&first.refresh).await);
    app.advance(later);
    program.refresh(&which(first.refresh, next.refresh)).await
}

pub(crate) async fn refresh_token_ended() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    let mut program = ApiClient::new(&app);
    let _ = program.revoke(&tokens.refresh).await.expect(200);
    program.refresh(&tokens.refresh).await
}

/// An instance with only the old APP_SECRET, after the signing keys were encrypted with a new one.
pub(crate) async fn signing_unavailable() -> Page {
    let database = Database::sqlite().await;
    let start_with = |secret: &str| instance(&database.url).set("APP_SECRET", secret).start();
    let old = start_with("the-old-secret-of-all-the-instances").await;
    sign_up(&old, "bob@example.test").await;
    let new = start_with("the-new-secret-of-all-the-instances").await;
    assert!(new.app.keys.ring().newest().is_some());
    old.app.keys.reload().await.expect("read");
    execute(&old.app.db, "DELETE FROM signing_keys WHERE retired_at IS NOT NULL").await;
    old.app.keys.reload().await.expect("read");
    let body = json!({ "email": "bob@example.test", "password": PASSWORD });
    ApiClient::new(&old).post("/api/v1/token", body).await
}

pub(crate) async fn too_many_contacts() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    execute(
        &app.app.db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         INSERT INTO contacts (id, user_id, name, created_at, updated_at) \
         SELECT 'contact-' || i, users.id, 'Somebody', 0, 0 FROM n, users",
    )
    .await;
    ApiClient::with(&app, &tokens.access)
        .post("/api/v1/contacts", json!({ "name": "One more" }))
        .await
}
