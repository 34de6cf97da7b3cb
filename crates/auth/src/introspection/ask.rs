//! The question to the authorization server (RFC 7662 §2.1).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::http::{Method, Request, StatusCode, header};
use latchkey_domain::{Clock, Span};
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;
use url::form_urlencoded::Serializer;

use super::Config;
use super::breaker::Breaker;
use crate::http::{self, Outbound, basic};
use crate::jwt::members::Members;
use crate::secret::Secret;

/// The longest that a request waits for an answer. Shorter than at a sign-in:
/// here every request of an app waits, and not one person now and then.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Questions at a time; more wait for a place, for another [`TIMEOUT`] at most.
const AT_ONCE: usize = 64;

/// Why nothing was heard. Nobody is let in then.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("the authorization server cannot be reached: {0}")]
    Unreachable(http::Error),
    /// It did not come in time.
    #[error("the authorization server did not answer within {} seconds", TIMEOUT.as_secs())]
    Late,
    /// It was not even asked: too many questions were out already.
    #[error("more questions are waiting than the authorization server answers")]
    Crowded,
    /// It was another status than 200.
    #[error("the authorization server answered {0}")]
    Status(StatusCode),
    /// It does not take our credentials.
    #[error("the authorization server does not accept OAUTH_INTROSPECTION_CLIENT_ID and _SECRET")]
    Credentials,
    /// It was no JSON object in which every name stands once.
    #[error("the authorization server answered something that makes no sense")]
    Nonsense,
    /// A moment ago nobody answered; it is tried again soon.
    #[error("the authorization server did not answer a moment ago")]
    Resting,
}

impl Unavailable {
    /// When it is worth trying again.
    #[must_use]
    pub const fn again_in(&self) -> Span {
        super::breaker::REST
    }
}

/// An answer, before it is judged.
pub struct Answer(Members);

impl Answer {
    /// Reads an object in which every name stands once: of two `active` nobody
    /// could say which one counts.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        Members::read(body).filter(|members| !members.any_twice()).map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// What one request had to ask for, and how long it waited.
#[derive(Debug, Default)]
pub struct Calls {
    any_token: AtomicBool,
    made: AtomicU32,
    micros: AtomicU64,
}

/// Measures until it is dropped.
pub(super) struct Wait<'a>(&'a Calls, Instant);

impl Calls {
    /// How many calls were made; `None` when no token was shown that anybody
    /// could be asked about.
    #[must_use]
    pub fn made(&self) -> Option<u32> {
        self.any_token.load(Ordering::Relaxed).then(|| self.made.load(Ordering::Relaxed))
    }

    /// How long the request waited, for somebody else's call too.
    #[must_use]
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

/// Puts questions of one kind, within limits of their own.
#[derive(Debug)]
pub(super) struct Asker {
    http: Outbound,
    url: Url,
    authorization: Secret,
    places: Semaphore,
    breaker: Breaker,
}

impl Asker {
    pub(super) fn new(http: Outbound, config: &Config) -> Self {
        Self {
            http,
            url: config.url.clone(),
            authorization: basic(&config.client_id, &config.client_secret),
            places: Semaphore::new(AT_ONCE),
            breaker: Breaker::default(),
        }
    }

    /// Asks about a token; the wait is over when there is an answer.
    pub(super) async fn ask(
        &self,
        token: &str,
        clock: &Clock,
        wait: Wait<'_>,
    ) -> Result<Answer, Unavailable> {
        let question = self
            .request(Method::POST, &self.url, true)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(token));
        match self.within_limits(question, clock, Some(wait.0)).await? {
            (StatusCode::OK, body) => Answer::read(&body).ok_or(Unavailable::Nonsense),
            (StatusCode::UNAUTHORIZED, _) => Err(Unavailable::Credentials),
            (status, _) => Err(Unavailable::Status(status)),
        }
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
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::ACCEPT, "application/json");
        if as_us {
            request = request.header(header::AUTHORIZATION, self.authorization.expose());
        }
        request
    }

    /// So many at a time, for so long, and not while the server is left alone.
    async fn within_limits(
        &self,
        request: ::http::Result<Request<Vec<u8>>>,
        clock: &Clock,
        calls: Option<&Calls>,
    ) -> Result<(StatusCode, Vec<u8>), Unavailable> {
        let request = request.map_err(|_| Unavailable::Unreachable(http::Error::Request))?;
        // A queue says nothing about the server: whoever makes one with made-up
        // tokens must not have it left alone. Places are never closed.
        let place = tokio::time::timeout(TIMEOUT, self.places.acquire()).await;
        let _place = place.map_err(|_| Unavailable::Crowded)?;
        let pass = self.breaker.enter(clock.now()).ok_or(Unavailable::Resting)?;
        if let Some(calls) = calls {
            calls.made.fetch_add(1, Ordering::Relaxed);
        }
        let failure = match tokio::time::timeout(TIMEOUT, self.http.send(request)).await {
            Ok(Ok(answer)) => {
                // Whatever it said, somebody is there: one token that makes the
                // server stumble must not shut out all the others.
                pass.succeeded();
                return Ok((answer.status(), answer.into_body()));
            }
            Ok(Err(error)) => Unavailable::Unreachable(error),
            Err(_) => Unavailable::Late,
        };
        pass.failed(clock.now());
        Err(failure)
    }
}

/// The body of a question about a token (RFC 7662 §2.1).
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
            expected: super::super::Expected { audience: String::new(), issuer: None },
            issuer: None,
            remembered_for: latchkey_domain::Span::seconds(0),
        };
        let asker = Asker::new(Outbound::new().expect("a client"), &config);
        let clock = Clock::standing_at(latchkey_domain::Timestamp::from_millis(0));
        let all = asker.places.acquire_many(64).await.expect("every place");
        let calls = Calls::default();
        let outcome = asker.ask("made-up", &clock, calls.waiting()).await;
        assert!(matches!(outcome, Err(Unavailable::Crowded)), "{:?}", outcome.err());
        assert_eq!(calls.made(), Some(0), "nobody was asked");
        drop(all);
        tokio::time::resume();
        // Now there is a place, and this one is asked about: nobody listens there.
        let outcome = asker.ask("another", &clock, calls.waiting()).await;
        assert!(matches!(outcome, Err(Unavailable::Unreachable(_))), "{:?}", outcome.err());
        assert_eq!(calls.made(), Some(1));
    }
}
