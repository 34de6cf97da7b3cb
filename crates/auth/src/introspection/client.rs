//! The HTTP client for the authorization server (RFC 7662 §2.1), with a timeout, a limit on
//! concurrent requests, and a circuit breaker.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::http::{Method, Request, StatusCode, header};
use latchkey_domain::{Clock, Span};
use tokio::sync::Semaphore;
use url::Url;
use url::form_urlencoded::Serializer;

use super::breaker::{self, Breaker};
use super::response::{self, Expected};
use crate::http::{self, Outbound, basic};
use crate::jose::Members;
use crate::secret::Secret;

/// Shorter than at a sign-in, because every API request with an opaque token waits for it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// More requests wait for a slot, for [`TIMEOUT`] at most.
const MAX_CONCURRENT: usize = 64;

#[derive(Clone, Debug)]
pub struct Config {
    pub url: Url,
    pub client_id: String,
    pub client_secret: Secret,
    pub expected: Expected,
    pub issuer: Option<String>,
    /// At most [`MAX_CACHE_TTL`](super::MAX_CACHE_TTL); 0 disables the cache.
    pub cache_ttl: Span,
}

/// Why a token could not be introspected. It is rejected then.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("the authorization server cannot be reached: {0}")]
    Unreachable(http::Error),
    #[error("the authorization server did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    #[error("too many requests are waiting for the authorization server")]
    QueueFull,
    #[error("the authorization server answered {0}")]
    Status(StatusCode),
    #[error("the authorization server does not accept OAUTH_INTROSPECTION_CLIENT_ID and _SECRET")]
    Credentials,
    #[error("the authorization server sent an invalid response")]
    InvalidResponse,
    #[error("the authorization server did not answer a moment ago")]
    CircuitOpen,
}

impl Unavailable {
    pub const fn retry_after(&self) -> Span {
        breaker::COOL_DOWN
    }
}

/// The introspection calls of one API request, and how long it waited for them.
#[derive(Debug, Default)]
pub struct CallCounter {
    has_token: AtomicBool,
    count: AtomicU32,
    micros: AtomicU64,
}

/// Adds the time until it is dropped.
pub(super) struct WaitTimer<'a>(&'a CallCounter, Instant);

impl CallCounter {
    /// `None` if the request had no opaque token.
    pub fn count(&self) -> Option<u32> {
        self.has_token.load(Ordering::Relaxed).then(|| self.count.load(Ordering::Relaxed))
    }

    /// Includes the time for a call that another request made.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    pub(super) fn start_wait(&self) -> WaitTimer<'_> {
        self.has_token.store(true, Ordering::Relaxed);
        WaitTimer(self, Instant::now())
    }
}

impl Drop for WaitTimer<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.1.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

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
            slots: Semaphore::new(MAX_CONCURRENT),
            breaker: Breaker::default(),
        }
    }

    /// `wait` ends with the response.
    pub(super) async fn introspect(
        &self,
        token: &str,
        clock: &Clock,
        wait: WaitTimer<'_>,
    ) -> Result<Members, Unavailable> {
        let request = self
            .request(Method::POST, &self.url, true)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(token));
        let (status, body) = self.send_limited(request, clock, Some(wait.0)).await?;
        expect_ok(status)?;
        response::parse(&body).ok_or(Unavailable::InvalidResponse)
    }

    /// Sends a request without a body to the same server.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        with_credentials: bool,
        clock: &Clock,
    ) -> Result<(StatusCode, Vec<u8>), Unavailable> {
        let request = self.request(method, url, with_credentials).body(Vec::new());
        self.send_limited(request, clock, None).await
    }

    fn request(
        &self,
        method: Method,
        url: &Url,
        with_credentials: bool,
    ) -> ::http::request::Builder {
        let request = Request::builder().method(method).uri(url.as_str());
        let request = request.header(header::ACCEPT, "application/json");
        if with_credentials {
            request.header(header::AUTHORIZATION, self.authorization.expose())
        } else {
            request
        }
    }

    async fn send_limited(
        &self,
        request: ::http::Result<Request<Vec<u8>>>,
        clock: &Clock,
        calls: Option<&CallCounter>,
    ) -> Result<(StatusCode, Vec<u8>), Unavailable> {
        let request = request.map_err(|_| Unavailable::Unreachable(http::Error::Request))?;
        // A full queue must not open the circuit, because a client can cause one with
        // made-up tokens. The semaphore is never closed.
        let slot = tokio::time::timeout(TIMEOUT, self.slots.acquire()).await;
        let _slot = slot.map_err(|_| Unavailable::QueueFull)?;
        let permit = self.breaker.try_acquire(clock.now()).ok_or(Unavailable::CircuitOpen)?;
        if let Some(calls) = calls {
            calls.count.fetch_add(1, Ordering::Relaxed);
        }
        let failure = match tokio::time::timeout(TIMEOUT, self.http.send(request)).await {
            Ok(Ok(response)) => {
                // Even an error: one token that makes the server fail must not block the others.
                permit.succeeded();
                return Ok((response.status(), response.into_body()));
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

/// RFC 7662 §2.1.
fn form(token: &str) -> Vec<u8> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", "access_token");
    form.finish().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn full_queue_does_not_open_the_breaker() {
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
        let outcome = client.introspect("made-up", &clock, calls.start_wait()).await;
        assert!(matches!(outcome, Err(Unavailable::QueueFull)), "{:?}", outcome.err());
        assert_eq!(calls.count(), Some(0), "nobody was asked");
        drop(all);
        tokio::time::resume();
        // Now there is a slot, and the request is sent: nothing listens there.
        let outcome = client.introspect("another", &clock, calls.start_wait()).await;
        assert!(matches!(outcome, Err(Unavailable::Unreachable(_))), "{:?}", outcome.err());
        assert_eq!(calls.count(), Some(1));
    }
}
