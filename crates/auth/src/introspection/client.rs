//! Requests to the authorization server (RFC 7662 §2.1), within limits.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::http::{Method, Request, StatusCode, header};
use latchkey_domain::{Clock, Span};
use tokio::sync::Semaphore;
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer::{self, Expected};
use super::breaker::{self, Breaker};
use crate::http::{self, Outbound, basic};
use crate::jose::Members;
use crate::secret::Secret;

/// The longest that a request waits for an answer. Shorter than at a sign-in:
/// here every request of an app waits, and not one person now and then.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Requests at a time; more wait for a slot, for another [`TIMEOUT`] at most.
const AT_ONCE: usize = 64;

/// Where to ask, as whom, and what is expected of the answer.
#[derive(Clone, Debug)]
pub struct Config {
    pub url: Url,
    pub client_id: String,
    pub client_secret: Secret,
    /// Whom a token has to be for, and who may have issued it.
    pub expected: Expected,
    pub issuer: Option<String>,
    /// How long an answer is believed, 5 s at the
    /// most; with 0 nothing is remembered, and each request asks for itself.
    pub cache_ttl: Span,
}

/// Why nothing was heard. Nobody is let in then.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("the authorization server cannot be reached: {0}")]
    Unreachable(http::Error),
    #[error("the authorization server did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    #[error("more questions are waiting than the authorization server answers")]
    QueueFull,
    #[error("the authorization server answered {0}")]
    Status(StatusCode),
    #[error("the authorization server does not accept OAUTH_INTROSPECTION_CLIENT_ID and _SECRET")]
    Credentials,
    #[error("the authorization server answered something that makes no sense")]
    InvalidResponse,
    #[error("the authorization server did not answer a moment ago")]
    CircuitOpen,
}

impl Unavailable {
    pub const fn retry_after(&self) -> Span {
        breaker::REST
    }
}

/// What one request had to ask for, and how long it waited.
#[derive(Debug, Default)]
pub struct CallCounter {
    any_token: AtomicBool,
    made: AtomicU32,
    micros: AtomicU64,
}

/// Measures until it is dropped.
pub(super) struct Wait<'a>(&'a CallCounter, Instant);

impl CallCounter {
    /// How many calls were made; `None` when no token was shown that anybody
    /// could be asked about.
    pub fn count(&self) -> Option<u32> {
        self.any_token.load(Ordering::Relaxed).then(|| self.made.load(Ordering::Relaxed))
    }

    /// How long the request waited, for somebody else's call too.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    pub(super) fn waiting(&self) -> Wait<'_> {
        self.any_token.store(true, Ordering::Relaxed);
        Wait(self, Instant::now())
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.1.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Sends requests of one purpose, within a limit and behind a circuit breaker of
/// their own.
#[derive(Debug)]
pub(super) struct Client {
    http: Outbound,
    url: Url,
    authorization: Secret,
    slots: Semaphore,
    breaker: Breaker,
}

impl Client {
    pub(super) fn new(http: Outbound, config: &Config) -> Self {
        Self {
            http,
            url: config.url.clone(),
            authorization: basic(&config.client_id, &config.client_secret),
            slots: Semaphore::new(AT_ONCE),
            breaker: Breaker::default(),
        }
    }

    /// Asks about a token; the wait is over when there is an answer.
    pub(super) async fn introspect(
        &self,
        token: &str,
        clock: &Clock,
        wait: Wait<'_>,
    ) -> Result<Members, Unavailable> {
        let request = self
            .request(Method::POST, &self.url, true)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(token));
        let (status, body) = self.within_limits(request, clock, Some(wait.0)).await?;
        expect_ok(status)?;
        answer::read(&body).ok_or(Unavailable::InvalidResponse)
    }

    /// Sends a request without a body to the same server, with our credentials
    /// or without.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        as_us: bool,
        clock: &Clock,
    ) -> Result<(StatusCode, Vec<u8>), Unavailable> {
        let request = self.request(method, url, as_us).body(Vec::new());
        self.within_limits(request, clock, None).await
    }

    fn request(&self, method: Method, url: &Url, as_us: bool) -> ::http::request::Builder {
        let request = Request::builder().method(method).uri(url.as_str());
        let request = request.header(header::ACCEPT, "application/json");
        match as_us {
            true => request.header(header::AUTHORIZATION, self.authorization.expose()),
            false => request,
        }
    }

    /// So many at a time, for so long, and not while the circuit is open.
    async fn within_limits(
        &self,
        request: ::http::Result<Request<Vec<u8>>>,
        clock: &Clock,
        calls: Option<&CallCounter>,
    ) -> Result<(StatusCode, Vec<u8>), Unavailable> {
        let request = request.map_err(|_| Unavailable::Unreachable(http::Error::Request))?;
        // A queue says nothing about the server: whoever makes one with made-up
        // tokens must not open the circuit. The semaphore is never closed.
        let slot = tokio::time::timeout(TIMEOUT, self.slots.acquire()).await;
        let _slot = slot.map_err(|_| Unavailable::QueueFull)?;
        let permit = self.breaker.enter(clock.now()).ok_or(Unavailable::CircuitOpen)?;
        if let Some(calls) = calls {
            calls.made.fetch_add(1, Ordering::Relaxed);
        }
        let failure = match tokio::time::timeout(TIMEOUT, self.http.send(request)).await {
            Ok(Ok(answer)) => {
                // Whatever it said, somebody is there: one token that makes the
                // server stumble must not shut out all the others.
                permit.succeeded();
                return Ok((answer.status(), answer.into_body()));
            }
            Ok(Err(error)) => Unavailable::Unreachable(error),
            Err(_) => Unavailable::Timeout,
        };
        permit.failed(clock.now());
        Err(failure)
    }
}

pub(super) fn expect_ok(status: StatusCode) -> Result<(), Unavailable> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED => Err(Unavailable::Credentials),
        status => Err(Unavailable::Status(status)),
    }
}

/// The body of a request about a token (RFC 7662 §2.1).
fn form(token: &str) -> Vec<u8> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", "access_token");
    form.finish().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_queue_does_not_have_the_server_left_alone() {
        let config = Config {
            url: Url::parse("http://127.0.0.1:1/").expect("a URL"),
            client_id: "api".to_owned(),
            client_secret: Secret::new("secret"),
            expected: Expected { audience: String::new(), issuer: None },
            issuer: None,
            cache_ttl: Span::seconds(0),
        };
        let client = Client::new(Outbound::new(None, "Latchkey"), &config);
        let clock = Clock::manual(latchkey_domain::Timestamp::from_millis(0));
        let all = client.slots.acquire_many(64).await.expect("every slot");
        let calls = CallCounter::default();
        let outcome = client.introspect("made-up", &clock, calls.waiting()).await;
        assert!(matches!(outcome, Err(Unavailable::QueueFull)), "{:?}", outcome.err());
        assert_eq!(calls.count(), Some(0), "nobody was asked");
        drop(all);
        tokio::time::resume();
        // Now there is a place, and this one is asked about: nobody listens there.
        let outcome = client.introspect("another", &clock, calls.waiting()).await;
        assert!(matches!(outcome, Err(Unavailable::Unreachable(_))), "{:?}", outcome.err());
        assert_eq!(calls.count(), Some(1));
    }
}
