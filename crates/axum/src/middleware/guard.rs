//! One layer around every route: what each request goes through, from its name
//! to the headers of its response.
//!
//! One, because each layer of axum costs a request several allocations and a
//! clone of everything within it.

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

use super::catch_panic::{catch_panic, caught};
use super::current::CurrentRequest;
use super::request_id::{REQUEST_ID, RequestId};
use super::security_headers::SecurityHeaders;
use super::server_timing::{SERVER_TIMING, dial, server_timing};
use super::{
    canonical_host,
    render::{self, Names},
    same_site,
};
use crate::cookies::{self, ResponseCookies};
use crate::errors::{AppError, LateBody, catalogue};
use crate::metrics::Answered;
use crate::routes::CALLBACK;
use crate::state::Latchkey;

/// Larger than any form here, smaller than anything that hurts.
const BODY_LIMIT: usize = 64 * 1024;

/// How long the whole body of a request may take to arrive, drop by drop or not.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a whole answer may take: longer than the slowest provider
/// (discovery, token, keys and profile may each take their time).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// How long somebody waits who found no place.
const PLACES_AGAIN: Span = Span::seconds(10);

/// On a request that comes through a connection too many: it is answered, and
/// nothing is done for it.
#[derive(Clone, Copy, Debug)]
pub struct NoPlace;

/// An error and what the request is called, as a response.
type Render = Box<dyn Fn(&AppError, &Names<'_>) -> Response + Send + Sync>;

/// What counts around a group of routes, with what can be worked out once.
pub(super) struct Rules {
    latchkey: Latchkey,
    origin: String,
    is_development: bool,
    is_page: bool,
    security_headers: SecurityHeaders,
    render: Render,
}

impl Rules {
    pub(super) fn new(
        latchkey: &Latchkey,
        render: impl Fn(&AppError, &Names<'_>) -> Response + Send + Sync + 'static,
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

    /// Other names of this site lead to the one in `PUBLIC_URL`.
    pub(super) fn for_pages(self) -> Self {
        Self { is_page: true, ..self }
    }

    /// What is answered in place of the route, if anything.
    fn refusal(&self, request: &Request) -> Option<Response> {
        if request.extensions().get::<NoPlace>().is_some() {
            tracing::warn!("too many connections; behind a proxy, set TRUSTED_PROXIES");
            let error = AppError::new(catalogue::NO_PLACE).retry_after(PLACES_AGAIN);
            return Some(error.into_response());
        }
        let headers = request.headers();
        let other_name = canonical_host::check(request, &self.latchkey.config, self.is_page);
        let path = request.extensions().get::<MatchedPath>();
        if other_name.is_none()
            && path.is_none_or(|path| path.as_str() != CALLBACK)
            && !same_site::is_allowed(request.method(), headers, &self.origin)
        {
            tracing::warn!("a request from another site was refused");
            return Some(same_site::refusal(headers, &self.origin).into_response());
        }
        other_name
    }
}

/// A layer around routes, as [`Router::layer`] takes it.
pub trait RouteLayer: Layer<Route, Service: RouteService> + Clone + Send + Sync + 'static {}

impl<L: Layer<Route, Service: RouteService> + Clone + Send + Sync + 'static> RouteLayer for L {}

/// What it makes of a route.
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
    rules: Rules,
) -> Router<S> {
    router.layer(layer(rules))
}

pub(super) fn layer(rules: Rules) -> impl RouteLayer {
    let rules = Arc::new(rules);
    layer_fn(move |mut route: Route| {
        let rules = Arc::clone(&rules);
        service_fn(move |request: Request| respond(&rules, &mut route, request))
    })
}

fn respond(
    rules: &Arc<Rules>,
    route: &mut Route,
    mut request: Request,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let start = Instant::now();
    let trace = TraceContext::from_headers(request.headers())
        .or_else(|| rules.latchkey.metrics.is_observed().then(TraceContext::new_root));
    let current = Arc::new(CurrentRequest {
        id: RequestId::new(),
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        trace_id: trace.map(|trace| format!("{:032x}", trace.trace_id)),
    });
    // The log names the request without it: nobody reads most spans, and each costs.
    let span = tracing::debug_span!(
        "request",
        id = current.id(),
        method = %current.method,
        route = current.route(),
        trace_id = current.trace_id()
    );
    let refusal = current.enter(|| span.in_scope(|| rules.refusal(&request)));
    let latency = if rules.is_development { dial(request.headers()) } else { None };
    let statements = Arc::new(Statements::with_latency(latency.unwrap_or_default()));
    let response_cookies = ResponseCookies::default();
    request.extensions_mut().insert(response_cookies.clone());
    // Read by `Server-Timing` alone.
    let is_counted = rules.is_development && rules.latchkey.introspection.is_some();
    let calls = is_counted.then(Arc::<CallCounter>::default);
    if let Some(calls) = &calls {
        request.extensions_mut().insert(Arc::clone(calls));
    }
    limit_body(&mut request);
    cookies::tidy(request.headers_mut());
    // Nothing of it happens before it is polled.
    let answer = route.call(request);
    let rules = Arc::clone(rules);
    async move {
        let names = Names { request_id: current.id(), trace_id: current.trace_id() };
        // Pinned where it is: each future around it would move it into itself.
        let work = pin!(async {
            let response = match refusal {
                Some(refusal) => refusal,
                None => run(answer, &response_cookies).await,
            };
            let response = render::render(response, |error| (rules.render)(error, &names));
            // Not `info`: a line for each request is the proxy's to write, and would
            // cost more than answering it.
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
        rules.latchkey.metrics.answered(&Answered {
            route: current.route(),
            method: known(&current.method),
            status: response.status().as_u16(),
            code: code.unwrap_or_default(),
            since: start,
            statements: statements.sent(),
            database: statements.time(),
            trace,
        });
        let headers = response.headers_mut();
        rules.security_headers.add(headers);
        headers.insert(REQUEST_ID, current.id.header());
        // How long a query takes tells strangers something; developers want to know.
        if rules.is_development
            && let Ok(value) = server_timing(&statements, calls.as_deref(), start).try_into()
        {
            headers.insert(SERVER_TIMING, value);
        }
        Ok(response)
    }
}

/// Not what a stranger makes up: each name would be counted for itself.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE => method.as_str(),
        Method::PATCH | Method::OPTIONS => method.as_str(),
        _ => "_OTHER",
    }
}

/// Where there is a body, it has to come, and to come to an end.
fn limit_body(request: &mut Request) {
    if !request.body().is_end_stream() {
        DefaultBodyLimit::max(BODY_LIMIT).apply(request);
        let body = std::mem::take(request.body_mut());
        let deadline = Box::pin(sleep(BODY_TIMEOUT));
        *request.body_mut() = Body::new(PromptBody { body, deadline });
    }
}

/// A body that has to be there in time.
struct PromptBody {
    body: Body,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for PromptBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(LateBody.into())));
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

/// The route's answer, and the cookies that were queued on the way to it. They
/// are sent when time is up as well: a token may have been renewed by then.
async fn run(
    answer: impl Future<Output = Result<Response, Infallible>>,
    cookies: &ResponseCookies,
) -> Response {
    let answer = pin!(answer);
    let mut response = match catch_panic(tokio::time::timeout(ANSWER_TIMEOUT, answer)).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_)) => StatusCode::GATEWAY_TIMEOUT.into_response(),
        Err(panic) => return caught(&*panic),
    };
    cookies.append_to(response.headers_mut());
    response
}
