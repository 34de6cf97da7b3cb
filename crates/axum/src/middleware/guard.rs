//! One layer around every route: what each request goes through, from its name
//! to the headers of its response.
//!
//! One, because each layer of axum costs a request several allocations and a
//! clone of everything within it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use http::StatusCode;
use latchkey_auth::introspection::CallCounter;
use latchkey_store::count::{self, Statements};
use tower::layer::layer_fn;
use tower::{Layer, Service, service_fn};
use tower_http::timeout::TimeoutBody;
use tracing::Instrument as _;

use super::catch_panic::{catch_panic, caught};
use super::request_id::{REQUEST_ID, RequestId};
use super::security_headers::SecurityHeaders;
use super::server_timing::{SERVER_TIMING, dial, server_timing};
use super::{canonical_host, render, same_site};
use crate::cookies::ResponseCookies;
use crate::errors::{AppError, catalogue};
use crate::routes::CALLBACK;
use crate::state::Latchkey;

/// Larger than any form here, smaller than anything that hurts.
const BODY_LIMIT: usize = 64 * 1024;

/// How long the body of a request may stand still.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a whole answer may take: longer than the slowest provider
/// (discovery, token, keys and profile may each take their time).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// An error and the request's id, as a response.
type Render = Box<dyn Fn(&AppError, &str) -> Response + Send + Sync>;

/// What counts around a group of routes, with what can be worked out once.
pub(super) struct Rules {
    latchkey: Latchkey,
    origin: String,
    is_development: bool,
    has_canonical_host: bool,
    security_headers: SecurityHeaders,
    render: Render,
}

impl Rules {
    pub(super) fn new(
        latchkey: &Latchkey,
        render: impl Fn(&AppError, &str) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self {
            origin: latchkey.config.origin(),
            is_development: latchkey.config.is_development(),
            has_canonical_host: false,
            security_headers: SecurityHeaders::new(latchkey),
            render: Box::new(render),
            latchkey: latchkey.clone(),
        }
    }

    /// In development, other loopback names lead to the one in `PUBLIC_URL`.
    pub(super) fn with_canonical_host(self) -> Self {
        Self { has_canonical_host: self.is_development, ..self }
    }

    /// What is answered in place of the route, if anything.
    fn refusal(&self, request: &Request) -> Option<Response> {
        let path = request.extensions().get::<MatchedPath>();
        if path.is_none_or(|path| path.as_str() != CALLBACK)
            && !same_site::is_allowed(request.method(), request.headers(), &self.origin)
        {
            tracing::warn!("a request from another site was refused");
            return Some(AppError::new(catalogue::CROSS_SITE).into_response());
        }
        if self.has_canonical_host {
            canonical_host::redirect(request, &self.latchkey.config)
        } else {
            None
        }
    }
}

pub(super) fn guard<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    rules: Rules,
) -> Router<S> {
    router.layer(layer(rules))
}

pub(super) fn layer(
    rules: Rules,
) -> impl Layer<
    Route,
    Service: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
                 + Clone
                 + Send
                 + Sync
                 + 'static,
> + Clone
+ Send
+ Sync
+ 'static {
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
    let id = RequestId::new();
    // The pattern, never the path: a path and a query can hold a code or a token.
    let path = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let span =
        tracing::info_span!("request", id = id.as_str(), method = %request.method(), route = path);
    let refusal = span.in_scope(|| rules.refusal(&request));
    let latency = if rules.is_development { dial(request.headers()) } else { None };
    let statements = Arc::new(Statements::with_latency(latency.unwrap_or_default()));
    let cookies = ResponseCookies::default();
    request.extensions_mut().insert(cookies.clone());
    // Read by `Server-Timing` alone.
    let is_counted = rules.is_development && rules.latchkey.introspection.is_some();
    let calls = is_counted.then(Arc::<CallCounter>::default);
    if let Some(calls) = &calls {
        request.extensions_mut().insert(Arc::clone(calls));
    }
    limit_body(&mut request);
    // Nothing of it happens before it is polled.
    let answer = route.call(request);
    let rules = Arc::clone(rules);
    async move {
        let work = async {
            let response = match refusal {
                Some(refusal) => refusal,
                None => run(answer, &cookies).await,
            };
            let response = render::render(response, |error| (rules.render)(error, id.as_str()));
            // Not `info`: a line for each request is the proxy's to write, and would
            // cost more than answering it.
            tracing::debug!(
                status = response.status().as_u16(),
                millis = start.elapsed().as_millis(),
                queries = statements.sent(),
                "answered"
            );
            response
        };
        let mut response = count::statements(Arc::clone(&statements), work).instrument(span).await;
        let headers = response.headers_mut();
        rules.security_headers.add(&rules.latchkey, headers);
        headers.insert(REQUEST_ID, id.into());
        // How long a query takes tells strangers something; developers want to know.
        if rules.is_development
            && let Ok(value) = server_timing(&statements, calls.as_deref(), start).try_into()
        {
            headers.insert(SERVER_TIMING, value);
        }
        Ok(response)
    }
}

/// Where there is a body, it has to come, and to come to an end.
fn limit_body(request: &mut Request) {
    if !request.body().is_end_stream() {
        DefaultBodyLimit::max(BODY_LIMIT).apply(request);
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(TimeoutBody::new(BODY_TIMEOUT, body));
    }
}

/// The route's answer, and the cookies that were queued on the way to it. They
/// are sent when time is up as well: a token may have been renewed by then.
async fn run(
    answer: impl Future<Output = Result<Response, Infallible>>,
    cookies: &ResponseCookies,
) -> Response {
    let mut response = match catch_panic(tokio::time::timeout(ANSWER_TIMEOUT, answer)).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_)) => StatusCode::GATEWAY_TIMEOUT.into_response(),
        Err(panic) => return caught(&*panic),
    };
    cookies.append_to(response.headers_mut());
    response
}
