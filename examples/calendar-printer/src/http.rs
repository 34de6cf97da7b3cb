//! Outgoing HTTP with limits: a short timeout, no redirects, small answers.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use serde_json::Value;

use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(8);
/// In bytes; a page of events is a few kilobytes.
const MAX_BODY: usize = 256 * 1024;

/// Its client is made for the first call, as it reads every certificate authority.
pub struct Http(LazyLock<reqwest::Result<reqwest::Client>>);

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// `WWW-Authenticate`
    pub challenge: Option<String>,
    /// Null when it is not JSON.
    pub body: Value,
}

impl Answer {
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

    /// With an access token in the header, RFC 6750 §2.1.
    pub async fn get(&self, url: &str, access_token: Option<&str>) -> Result<Answer, Unreachable> {
        let request = self.client()?.get(url);
        send(match access_token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// A form, with the client's own credentials: `client_secret_basic`, RFC 6749 §2.3.1.
    pub async fn post(
        &self,
        url: &str,
        config: &Config,
        form: &[(&str, &str)],
    ) -> Result<Answer, Unreachable> {
        let encode = |half: &str| -> String {
            url::form_urlencoded::byte_serialize(half.as_bytes()).collect()
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

async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Unreachable> {
    let request = request.header("accept", "application/json");
    let mut answer = request.send().await.map_err(|_| Unreachable)?;
    let challenge = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let (status, challenge) = (answer.status(), challenge.map(str::to_owned));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| Unreachable)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Unreachable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, challenge, body: serde_json::from_slice(&body).unwrap_or_default() })
}
