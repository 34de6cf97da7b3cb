//! One layer for everything around a route, from the request ID to the security headers.
//!
//! It is one layer because each layer of axum costs several allocations per request, and a
//! clone of everything inside it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use axum::{BoxError, Router};
use http::{Method, StatusCode};
use http_body::{Frame, SizeHint};
use latchkey_auth::introspection::CallCounter;
use latchkey_auth::trace_context::TraceContext;
use latchkey_domain::Span;
use latchkey_store::count::{self, Statements};
use tokio::time::{Sleep, sleep};
use tower::layer::layer_fn;
use tower::{Layer, Service, service_fn};
use tracing::Instrument as _;

use super::catch_panic::{catch_panic, panic_response};
use super::current::CurrentRequest;
use super::render::{self, RequestIds};
use super::request_id::{REQUEST_ID, RequestId};
use super::security_headers::SecurityHeaders;
use super::server_timing::{SERVER_TIMING, server_timing, simulated_latency};
use super::{canonical_host, same_site};
use crate::cookies::{self, ResponseCookies};
use crate::errors::{AppError, BodyTimeout, catalogue};
use crate::metrics::FinishedRequest;
use crate::routes::CALLBACK;
use crate::state::Latchkey;

/// In bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// For the whole body of a request to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// For the whole response. A sign-in may wait for four calls to a provider: discovery, token,
/// keys and profile.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(40);

/// `Retry-After` when the server is at its connection limit.
const CONNECTION_RETRY_AFTER: Span = Span::seconds(10);

/// A request extension: the connection is over the limit, so respond with 503.
#[derive(Clone, Copy, Debug)]
pub struct TooManyConnections;

type Render = Box<dyn Fn(&AppError, &RequestIds<'_>) -> Response + Send + Sync>;

/// Settings of a route group, computed once.
pub(super) struct GuardConfig {
    latchkey: Latchkey,
    origin: String,
    is_development: bool,
    is_page: bool,
    security_headers: SecurityHeaders,
    render: Render,
}

impl GuardConfig {
    pub(super) fn new(
        latchkey: &Latchkey,
        render: impl Fn(&AppError, &RequestIds<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self {
            origin: latchkey.config.origin(),
            is_development: latchkey.config.is_development(),
            is_page: false,
            security_headers: SecurityHeaders::new(latchkey),
            render: Box::new(render),
            latchkey: latchkey.clone(),
        }
    }

    /// Redirects other names of this site to `PUBLIC_URL`.
    pub(super) fn for_pages(self) -> Self {
        Self { is_page: true, ..self }
    }

    /// The response to a request that must not reach its route.
    fn early_response(&self, request: &Request) -> Option<Response> {
        if request.extensions().get::<TooManyConnections>().is_some() {
            tracing::warn!("too many connections; behind a proxy, set TRUSTED_PROXIES");
            let error =
                AppError::new(catalogue::TOO_MANY_CONNECTIONS).retry_after(CONNECTION_RETRY_AFTER);
            return Some(error.into_response());
        }
        let headers = request.headers();
        let wrong_host = canonical_host::check(request, &self.latchkey.config, self.is_page);
        let path = request.extensions().get::<MatchedPath>();
        if wrong_host.is_none()
            && path.is_none_or(|path| path.as_str() != CALLBACK)
            && !same_site::is_allowed(request.method(), headers, &self.origin)
        {
            tracing::warn!("a cross-site request was blocked");
            return Some(same_site::refusal(headers, &self.origin).into_response());
        }
        wrong_host
    }
}

/// A layer for [`Router::layer`].
pub trait RouteLayer: Layer<Route, Service: RouteService> + Clone + Send + Sync + 'static {}

impl<L: Layer<Route, Service: RouteService> + Clone + Send + Sync + 'static> RouteLayer for L {}

/// The service of a [`RouteLayer`].
pub trait RouteService:
    Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> RouteService for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

pub(super) fn guard<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    config: GuardConfig,
) -> Router<S> {
    router.layer(layer(config))
}

pub(super) fn layer(config: GuardConfig) -> impl RouteLayer {
    let config = Arc::new(config);
    layer_fn(move |mut route: Route| {
        let config = Arc::clone(&config);
        service_fn(move |request: Request| respond(&config, &mut route, request))
    })
}

fn respond(
    config: &Arc<GuardConfig>,
    route: &mut Route,
    mut request: Request,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let start = Instant::now();
    let trace = TraceContext::from_headers(request.headers())
        .or_else(|| config.latchkey.metrics.has_observer().then(TraceContext::new_root));
    let current = Arc::new(CurrentRequest {
        id: RequestId::new(),
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        trace_id: trace.map(|trace| format!("{:032x}", trace.trace_id)),
    });
    // Spans are for `debug` only, because they are slow: the log reads `CurrentRequest`.
    let span = tracing::debug_span!(
        "request",
        id = current.id(),
        method = %current.method,
        route = current.route(),
        trace_id = current.trace_id()
    );
    let early = current.enter(|| span.in_scope(|| config.early_response(&request)));
    let latency = if config.is_development { simulated_latency(request.headers()) } else { None };
    let statements = Arc::new(Statements::with_latency(latency.unwrap_or_default()));
    let response_cookies = ResponseCookies::default();
    request.extensions_mut().insert(response_cookies.clone());
    // For `Server-Timing`.
    let is_counted = config.is_development && config.latchkey.introspection.is_some();
    let calls = is_counted.then(Arc::<CallCounter>::default);
    if let Some(calls) = &calls {
        request.extensions_mut().insert(Arc::clone(calls));
    }
    limit_body(&mut request);
    cookies::tidy(request.headers_mut());
    // Not polled if there is an early response.
    let response = route.call(request);
    let config = Arc::clone(config);
    async move {
        let ids = RequestIds { request_id: current.id(), trace_id: current.trace_id() };
        // Pinned here, so that the futures around it do not move it.
        let work = pin!(async {
            let response = match early {
                Some(response) => response,
                None => run(response, &response_cookies).await,
            };
            let response = render::render(response, |error| (config.render)(error, &ids));
            // Not `info`: it costs more than the response, and proxies keep access logs.
            tracing::debug!(
                status = response.status().as_u16(),
                millis = start.elapsed().as_millis(),
                queries = statements.sent(),
                "answered"
            );
            response
        });
        let work = CurrentRequest::scope(Arc::clone(&current), TraceContext::scope(trace, work));
        let mut response = count::statements(Arc::clone(&statements), work).instrument(span).await;
        let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
        config.latchkey.metrics.request_finished(&FinishedRequest {
            route: current.route(),
            method: method_label(&current.method),
            status: response.status().as_u16(),
            code: code.unwrap_or_default(),
            start,
            statements: statements.sent(),
            database: statements.time(),
            trace,
        });
        let headers = response.headers_mut();
        config.security_headers.add(headers);
        headers.insert(REQUEST_ID, current.id.header());
        // Not in production: query times reveal something about the data.
        if config.is_development
            && let Ok(value) = server_timing(&statements, calls.as_deref(), start).try_into()
        {
            headers.insert(SERVER_TIMING, value);
        }
        Ok(response)
    }
}

/// One label for all unknown methods: clients must not create new metrics.
fn method_label(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE => method.as_str(),
        Method::PATCH | Method::OPTIONS => method.as_str(),
        _ => "_OTHER",
    }
}

/// Limits the size of a body and the time it may take.
fn limit_body(request: &mut Request) {
    if !request.body().is_end_stream() {
        DefaultBodyLimit::max(BODY_LIMIT).apply(request);
        let body = std::mem::take(request.body_mut());
        let deadline = Box::pin(sleep(BODY_TIMEOUT));
        *request.body_mut() = Body::new(TimeoutBody { body, deadline });
    }
}

/// Fails with [`BodyTimeout`] at the deadline.
struct TimeoutBody {
    body: Body,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for TimeoutBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(BodyTimeout.into())));
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Runs the route and adds the queued cookies. After a timeout too: a refresh token may have
/// been exchanged by then.
async fn run(
    response: impl Future<Output = Result<Response, Infallible>>,
    cookies: &ResponseCookies,
) -> Response {
    let response = pin!(response);
    let mut response = match catch_panic(tokio::time::timeout(RESPONSE_TIMEOUT, response)).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_)) => StatusCode::GATEWAY_TIMEOUT.into_response(),
        Err(panic) => return panic_response(&*panic),
    };
    cookies.append_to(response.headers_mut());
    response
}
