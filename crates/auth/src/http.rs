//! The client for outgoing HTTP, with limits against hostile and broken servers.

use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderValue, Request, Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_domain::Timestamp;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::secret::Secret;
use crate::trace_context::{TRACEPARENT, TraceContext};

/// For one call, from the first byte of the request to the last byte of the response.
pub const TIMEOUT: Duration = Duration::from_secs(8);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Discovery documents, key sets and profiles have a few kilobytes.
pub const MAX_BODY: usize = 1024 * 1024;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("no response within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    #[error("the connection failed")]
    Connect,
    #[error("the response was incomplete or not HTTP")]
    Broken,
    #[error("the response was larger than {MAX_BODY} bytes")]
    TooLarge,
    #[error("the request cannot be sent")]
    Request,
}

/// The client for all outgoing calls.
///
/// It has a total timeout and a limit on the body, follows no redirects (which would leak
/// secrets: RFC 9700 §4.12), decompresses nothing, uses only the proxy in the settings, and sends
/// a `User-Agent`, which GitHub requires.
#[derive(Clone)]
pub struct Outbound {
    client: Arc<LazyClient>,
    user_agent: HeaderValue,
    observer: Option<Observer>,
}

/// Created by the first call, because loading the system's certificate authorities is slow.
type LazyClient = LazyLock<
    Result<reqwest::Client, Error>,
    Box<dyn FnOnce() -> Result<reqwest::Client, Error> + Send>,
>;

/// A finished call, for an [`Observer`].
#[derive(Debug)]
pub struct Call<'a> {
    pub method: &'a str,
    pub host: &'a str,
    /// The status of the response, or the error.
    pub outcome: String,
    pub elapsed: Duration,
    pub trace: Option<TraceContext>,
}

pub type Observer = Arc<dyn Fn(&Call<'_>) + Send + Sync>;

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}

impl Outbound {
    /// `product` is the name in the `User-Agent`.
    pub fn new(proxy: Option<&Proxy>, product: &str) -> Self {
        let user_agent = user_agent(product);
        let (proxy, agent) = (proxy.cloned(), user_agent.clone());
        let client: LazyClient = LazyLock::new(Box::new(move || {
            let client = builder(proxy.clone(), agent.clone()).build().or_else(|error| {
                tracing::error!(
                    ?error,
                    "HTTPS calls will fail: no certificate authority was found"
                );
                builder(proxy, agent).tls_certs_only([]).build()
            });
            client.map_err(|_| Error::Request)
        }));
        Self { client: Arc::new(client), user_agent, observer: None }
    }

    pub fn with_observer(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Sends a request and reads the response, whatever its status. Marks credentials as
    /// sensitive, so that they are neither logged nor compressed.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        let mut request = reqwest::Request::try_from(request).map_err(|_| Error::Request)?;
        for name in [header::AUTHORIZATION, header::COOKIE] {
            if let Some(credential) = request.headers_mut().get_mut(name) {
                credential.set_sensitive(true);
            }
        }
        let Ok(tap) = TAP.try_with(Arc::clone) else {
            return self.execute(request).await.map(|(response, _)| response);
        };
        let sent = self.with_default_headers(&request);
        let started_at = Instant::now();
        let result = self.execute(request).await;
        if let Some(request) = &sent {
            let response = result.as_ref().ok();
            let response =
                response.map(|(response, headers_at)| (response, *headers_at - started_at));
            tap(&Exchange { request, response, started_at, elapsed: started_at.elapsed() });
        }
        result.map(|(response, _)| response)
    }

    /// Adds the headers that reqwest and hyper add. A test with a proxy compares them byte by byte.
    fn with_default_headers(&self, request: &reqwest::Request) -> Option<reqwest::Request> {
        let mut sent = request.try_clone()?;
        let url = request.url();
        let length = request.body().and_then(reqwest::Body::as_bytes).map_or(0, <[u8]>::len);
        let headers = sent.headers_mut();
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(header::USER_AGENT).or_insert(self.user_agent.clone());
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        if let Ok(host) = HeaderValue::try_from(host) {
            headers.entry(header::HOST).or_insert(host);
        }
        if length > 0 {
            headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
        }
        Some(sent)
    }

    /// Returns the response, and when its head arrived.
    async fn execute(
        &self,
        mut request: reqwest::Request,
    ) -> Result<(Response<Vec<u8>>, Instant), Error> {
        let (started_at, trace) = (Instant::now(), TraceContext::child());
        if let Some(traceparent) = trace.and_then(|trace| trace.traceparent()) {
            request.headers_mut().insert(TRACEPARENT, traceparent);
        }
        let (method, host) =
            (request.method().clone(), request.url().host_str().map(str::to_owned));
        let result = self.execute_unobserved(request).await;
        if let (Some(observer), Some(host)) = (&self.observer, &host) {
            let outcome = match &result {
                Ok((response, _)) => response.status().as_str().to_owned(),
                Err(error) => format!("{error:?}").to_lowercase(),
            };
            let (method, elapsed) = (method.as_str(), started_at.elapsed());
            observer(&Call { method, host, outcome, elapsed, trace });
        }
        result
    }

    async fn execute_unobserved(
        &self,
        request: reqwest::Request,
    ) -> Result<(Response<Vec<u8>>, Instant), Error> {
        let client = LazyLock::force(&self.client).as_ref().map_err(Clone::clone)?;
        let mut received = client.execute(request).await.map_err(without_url)?;
        let headers_at = Instant::now();
        let mut body = Vec::new();
        while let Some(chunk) = received.chunk().await.map_err(without_url)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body);
        *response.status_mut() = received.status();
        *response.version_mut() = received.version();
        std::mem::swap(response.headers_mut(), received.headers_mut());
        Ok((response, headers_at))
    }

    /// Gets a JSON document, optionally with an access token (RFC 6750 §2.1). Fails if the token
    /// contains control characters, against header injection.
    pub async fn get(&self, url: &Url, bearer: Option<&str>) -> Result<Response<Vec<u8>>, Error> {
        let mut request = Request::get(url.as_str()).header(header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Vec::new()).map_err(|_| Error::Request)?).await
    }
}

fn builder(proxy: Option<Proxy>, user_agent: HeaderValue) -> reqwest::ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "this is the one client")]
    let builder = reqwest::Client::builder();
    let builder = match proxy {
        Some(Proxy(proxy)) => builder.proxy(proxy),
        None => builder.no_proxy(),
    };
    builder
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(user_agent)
}

/// An outbound proxy for https.
#[derive(Clone, Debug)]
pub struct Proxy(reqwest::Proxy);

impl Proxy {
    /// `except` is like `NO_PROXY`; loopback is always excepted.
    pub fn new(url: &Secret, except: &str) -> Option<Self> {
        let parsed = Url::parse(url.expose()).ok()?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return None;
        }
        let except = format!("{except},localhost,127.0.0.0/8,::1");
        let proxy = reqwest::Proxy::https(parsed).ok()?;
        Some(Self(proxy.no_proxy(reqwest::NoProxy::from_string(&except))))
    }
}

/// The `Date` header (RFC 9110 §6.6.1).
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_seconds(i64::try_from(since.as_secs()).ok()?))
}

/// HTTP Basic with form-encoded credentials (RFC 6749 §2.3.1).
pub fn basic(id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    basic_unencoded(&encoded(id), &Secret::new(encoded(secret.expose())))
}

/// HTTP Basic (RFC 7617 §2), for servers that do not form-decode the credentials.
pub fn basic_unencoded(id: &str, secret: &Secret) -> Secret {
    let pair = format!("{id}:{}", secret.expose());
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

/// A call as on the wire, for a [`Tap`], which must not store its secrets.
#[derive(Debug)]
pub struct Exchange<'a> {
    pub request: &'a reqwest::Request,
    /// With the time until its head arrived.
    pub response: Option<(&'a Response<Vec<u8>>, Duration)>,
    pub started_at: Instant,
    /// To the last byte of the response.
    pub elapsed: Duration,
}

/// Observes the calls of one task.
pub type Tap = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

tokio::task_local! {
    static TAP: Tap;
}

/// Runs `future` and passes its calls to `tap`, except those of tasks that it spawns.
pub async fn with_tap<F: Future>(tap: Tap, future: F) -> F::Output {
    TAP.scope(tap, future).await
}

/// RFC 9110 §10.1.5.
fn user_agent(product: &str) -> HeaderValue {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._~".contains(c) { c } else { '-' };
    let token: String = product.chars().map(plain).collect();
    HeaderValue::try_from(format!("{token}/{VERSION}")).unwrap_or(HeaderValue::from_static(VERSION))
}

/// Drops the details of the error: they contain the URL, which may contain a secret.
fn without_url(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        Error::Timeout
    } else if error.is_connect() {
        Error::Connect
    } else {
        Error::Broken
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn basic_auth_form_encodes_client_credentials() {
        let (id, secret) = ("acme client:1", Secret::new("s3cret+&%/\u{e9} word"));
        let pair = "acme+client%3A1:s3cret%2B%26%25%2F%C3%A9+word";
        assert_eq!(basic(id, &secret).expose(), format!("Basic {}", STANDARD.encode(pair)));
        let pair = "id:a+b";
        let header = basic_unencoded("id", &Secret::new("a+b"));
        assert_eq!(header.expose(), format!("Basic {}", STANDARD.encode(pair)));
    }

    #[test]
    fn user_agent_replaces_non_token_characters() {
        assert_eq!(user_agent("Acme & Co"), format!("Acme---Co/{VERSION}"));
        assert_eq!(user_agent("Bücher\r\n"), format!("B-cher--/{VERSION}"));
    }

    #[tokio::test]
    async fn outbound_credential_headers_are_marked_sensitive() -> Result<(), Error> {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let tap: Tap = Arc::new(move |sent| {
            counted.fetch_add(1, Ordering::Relaxed);
            for name in [header::AUTHORIZATION, header::COOKIE] {
                assert!(
                    sent.request.headers().get(&name).is_some_and(HeaderValue::is_sensitive),
                    "{name}"
                );
            }
        });
        let request = Request::get("http://127.0.0.1:1/")
            .header(header::AUTHORIZATION, "Bearer a-token")
            .header(header::COOKIE, "a=b");
        let request = request.body(Vec::new()).map_err(|_| Error::Request)?;
        let outbound = Outbound::new(None, "Latchkey");
        assert!(with_tap(tap, outbound.send(request)).await.is_err(), "nobody listens there");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        Ok(())
    }
}
