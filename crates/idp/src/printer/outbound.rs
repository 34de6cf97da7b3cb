//! HTTP from the application to others, with limits.

use std::time::Duration;

use axum::http::{StatusCode, header::WWW_AUTHENTICATE};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(8);
/// A page of events is a few kilobytes.
const MAX_BODY: usize = 256 * 1024;

/// The client: short patience, no redirects, no proxy, small answers.
#[derive(Clone, Debug)]
pub(super) struct Outbound(reqwest::Client);

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) challenge: Option<String>,
    /// Null when it was no JSON.
    pub(super) body: Value,
}

impl Answer {
    /// A member that is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreachable;

impl Outbound {
    pub(super) fn new() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "an application of its own, with these limits"
        )]
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("Calendar-Printer/1")
            .build();
        client.ok().map(Self)
    }

    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Answer, Unreachable> {
        let mut request = self.0.get(url);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        whole(request).await
    }

    /// A form, by a client that authenticates itself: RFC 6749 §2.3.1.
    pub(super) async fn post(
        &self,
        url: &str,
        basic: (&str, &str),
        form: &[(&str, &str)],
    ) -> Result<Answer, Unreachable> {
        // Neither half needs encoding: an identifier and base64url.
        whole(self.0.post(url).basic_auth(basic.0, Some(basic.1)).form(form)).await
    }
}

async fn whole(request: reqwest::RequestBuilder) -> Result<Answer, Unreachable> {
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
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Answer { status, challenge, body })
}
