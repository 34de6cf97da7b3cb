//! Browser, app and provider, with recording proxies between them.

use std::net::SocketAddr;

use latchkey_tests::accounts::{PASSWORD, sign_up};
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use serde_json::Value;

use crate::proxy::Proxy;

/// The app and the two proxies.
pub(crate) struct Scene {
    pub(crate) app: Latchkey,
    /// Between browser and app.
    pub(crate) front: Proxy,
    /// In front of the provider, for browser and app.
    pub(crate) provider: Proxy,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let (front, provider) = (Proxy::start().await, Proxy::start().await);
        let app = Setup::new()
            .set("PUBLIC_URL", format!("http://localhost:{}", front.port))
            .set("LOCAL_IDP_PORT", provider.port.to_string())
            .start()
            .await;
        front.leads_to(app.address);
        let idp: SocketAddr = app.idp.trim_start_matches("http://").parse().expect("an address");
        provider.leads_to(idp);
        Self { app, front, provider }
    }

    /// Signs in with this method and credential, and returns the last response.
    pub(crate) async fn come_in(&self, browser: &mut Browser, door: &str, key: &str) -> Page {
        let app = &self.app;
        if door == "password" {
            let email = "ada@traces.test";
            sign_up(app, email).await;
            let fields = [("email", email), ("password", PASSWORD), ("strategy", key)];
            return browser.post(&app.url("/sign-in"), &fields).await;
        }
        let to = browser.start_sign_in_with(app, door, &[("strategy", key)]).await;
        let back = browser.consent(&to, "ada").await;
        browser.follow_callback(&back).await
    }
}

/// Parameters and form fields that are secret.
pub(crate) const FIELDS: [&str; 8] = [
    "state",
    "nonce",
    "code_challenge",
    "code",
    "code_verifier",
    "client_secret",
    "password",
    "appsecret_proof",
];

/// JSON members that are secret.
pub(crate) const MEMBERS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// Every method with every credential.
pub(crate) const WAYS: [(&str, &str); 8] = [
    ("password", "session"),
    ("password", "jwt"),
    ("google", "session"),
    ("google", "jwt"),
    ("github", "session"),
    ("github", "jwt"),
    ("facebook", "session"),
    ("facebook", "jwt"),
];

/// The name of the trace of a completed sign-in.
#[track_caller]
pub(crate) fn trace_of(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.summary());
    page.header("x-latchkey-trace").expect("X-Latchkey-Trace").to_owned()
}

/// The entries of its HAR file.
pub(crate) async fn entries(app: &Latchkey, browser: &mut Browser, id: &str) -> Vec<Value> {
    let page = browser.get(&app.url(&format!("/traces/{id}/har"))).await.expect(200);
    let har: Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!(har["log"]["version"], "1.2");
    har["log"]["entries"].as_array().expect("entries").clone()
}
