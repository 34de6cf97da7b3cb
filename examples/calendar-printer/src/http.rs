//! An HTTP client with a short timeout, no redirects and small responses.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use serde_json::Value;

use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(8);
/// In bytes; a page of events is a few kilobytes.
const MAX_BODY: usize = 256 * 1024;

/// Created at the first call, because it loads all CA certificates.
pub struct Http(LazyLock<reqwest::Result<reqwest::Client>>);

#[derive(Debug)]
pub struct ApiResponse {
    pub status: StatusCode,
    /// `WWW-Authenticate`
    pub challenge: Option<String>,
    /// Null if it is not JSON.
    pub body: Value,
}

impl ApiResponse {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

impl Http {
    pub fn new() -> Self {
        Self(LazyLock::new(client))
    }

    fn client(&self) -> Result<&reqwest::Client, Unreachable> {
        self.0.as_ref().map_err(|_| Unreachable)
    }

    /// With the access token in `Authorization` (RFC 6750 §2.1).
    pub async fn get(
        &self,
        url: &str,
        access_token: Option<&str>,
    ) -> Result<ApiResponse, Unreachable> {
        let request = self.client()?.get(url);
        send(match access_token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// Posts a form and authenticates with `client_secret_basic` (RFC 6749 §2.3.1).
    pub async fn post(
        &self,
        url: &str,
        config: &Config,
        form: &[(&str, &str)],
    ) -> Result<ApiResponse, Unreachable> {
        let encode = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let (id, secret) = (encode(&config.client_id), encode(&config.client_secret));
        send(self.client()?.post(url).basic_auth(id, Some(secret)).form(form)).await
    }
}

#[expect(clippy::disallowed_methods, reason = "this application's client, with these limits")]
fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("Calendar-Printer/1")
        .build()
}

async fn send(request: reqwest::RequestBuilder) -> Result<ApiResponse, Unreachable> {
    let request = request.header("accept", "application/json");
    let mut response = request.send().await.map_err(|_| Unreachable)?;
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let (status, challenge) = (response.status(), challenge.map(str::to_owned));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Unreachable)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Unreachable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(ApiResponse { status, challenge, body: serde_json::from_slice(&body).unwrap_or_default() })
}
