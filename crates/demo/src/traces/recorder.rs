//! Records sign-ins: middleware for our own sign-in routes and, in development, for the local
//! provider, and a tap on the HTTP client.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::TryStreamExt as _;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Version, header};
use hyper::body::Body as _;
use latchkey_auth::http::{Exchange, Tap, with_tap};
use latchkey_auth::random;
use latchkey_domain::{Span, Timestamp, TraceId, UserId};
use latchkey_store::traces::Summary;

use super::builder::{TraceBuilder, micros};
use super::model::{Hop, Party, Trace};
use super::steps::Step;
use crate::state::Demo;
use latchkey_web::app::{App, Application};
use latchkey_web::sign_in::SignedIn;

/// The ID of the trace, in the response that completes a sign-in.
const TRACE_HEADER: HeaderName = HeaderName::from_static("x-latchkey-trace");

const RETENTION: Span = Span::days(1);

const MAX_RECORD: usize = 256 * 1024;

/// More than any form here may contain, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(crate) async fn record_app(State(demo): State<Demo>, request: Request, next: Next) -> Response {
    let app = &demo.app;
    let Some((step, slug)) = sign_in_route(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    let slug = slug.to_owned();
    let (captured, request) = CapturedRequest::capture(request);
    let key = match step {
        Step::Form | Step::Password => form_key(&captured.parts),
        _ => captured.query_parameter("state"),
    };
    let pending = match step {
        Step::Callback | Step::Password => demo.pending.get(&key),
        _ => None,
    };
    let builder = pending.map(|builder| builder.lock().clone());
    let builder = Arc::new(Mutex::new(builder.unwrap_or_else(|| {
        TraceBuilder::new(captured.at, app.clock.now(), step != Step::Callback)
    })));
    let tap = tap(app.clone(), slug.clone(), Arc::clone(&builder));
    let mut response = with_tap(tap, next.run(request)).await;
    let mut builder = builder.lock().clone();
    let signed_in = response.extensions_mut().remove::<SignedIn>();
    let signed_in = signed_in.filter(|_| response.status().is_redirection());
    let id = signed_in.is_some().then(|| TraceId::new(app.clock.now(), random::bytes()));
    if let Some(id) = id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        response.headers_mut().insert(TRACE_HEADER, id);
    }
    add_server_headers(&mut response, app.clock.now());
    let body = std::mem::take(&mut *captured.body.lock());
    let origin = app.settings.origin();
    captured.add_to(&mut builder, step, Party::App, &origin, &body, &response);
    if let (Some(id), Some(signed_in)) = (id, signed_in) {
        demo.pending.remove(&key);
        let label = app.provider(&slug).map(|provider| provider.label.clone());
        if store(app, id, builder, signed_in, label).await.is_none() {
            response.headers_mut().remove(TRACE_HEADER);
        }
    } else if step == Step::Start && response.status().is_redirection() {
        demo.pending.put(&state_in_redirect(&response), builder);
    } else if step == Step::Form && response.status().is_success() && app.settings.is_development()
    {
        demo.pending.put(&key, builder);
    }
    // A failed sign-in has no user, so nothing is stored.
    response
}

/// Records the browser's requests to the local provider, matched by `state`.
pub(crate) async fn record_provider(
    State(demo): State<Demo>,
    request: Request,
    next: Next,
) -> Response {
    let (captured, request) = CapturedRequest::capture(request);
    let mut response = next.run(request).await;
    let body = std::mem::take(&mut *captured.body.lock());
    let state = match captured.query_parameter("state") {
        // The consent form posts it.
        state if state.is_empty() && captured.parts.method == Method::POST => {
            form_value("state", &body)
        }
        state => state,
    };
    let Some(builder) = demo.pending.get(&state) else { return response };
    let app = &demo.app;
    add_server_headers(&mut response, app.clock.now());
    let idp = app.settings.local_idp.as_ref();
    let origin = idp.map(|idp| idp.url.origin().ascii_serialization()).unwrap_or_default();
    let step = Step::of_provider_page(&captured.parts.method, captured.parts.uri.path());
    captured.add_to(&mut builder.lock(), step, Party::Provider, &origin, &body, &response);
    response
}

/// Matches a posted sign-in form to the page it came from. Only used in development, where one
/// developer uses each browser.
fn form_key(parts: &Parts) -> String {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    format!("the form in {}", agent.unwrap_or_default())
}

/// The step, and the provider's slug if there is one.
fn sign_in_route<'p>(method: &Method, path: &'p str) -> Option<(Step, &'p str)> {
    match *method {
        Method::GET if path == "/sign-in" => return Some((Step::Form, "")),
        Method::POST if path == "/sign-in" => return Some((Step::Password, "")),
        _ => {}
    }
    let path = path.strip_prefix("/auth/")?;
    match path.split_once('/') {
        None if *method == Method::POST => Some((Step::Start, path)),
        Some((slug, "callback")) if *method == Method::GET => Some((Step::Callback, slug)),
        _ => None,
    }
}

/// Adds every outgoing call to the trace.
fn tap(app: App, slug: String, builder: Arc<Mutex<TraceBuilder>>) -> Tap {
    Arc::new(move |exchange: &Exchange<'_>| {
        let (request, duration) = (exchange.request, exchange.elapsed);
        let (method, url, headers) = (request.method(), request.url(), request.headers());
        let wait = exchange.response.map_or(duration, |(_, wait)| wait);
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let version = exchange.response.map_or(Version::HTTP_11, |(answer, _)| answer.version());
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let mut builder = builder.lock();
        let hop = Hop {
            step: Step::of_provider_call(app.provider(&slug), method, url),
            from: Party::App,
            to: Party::Provider,
            start: builder.offset(exchange.started_at),
            wait: micros(wait),
            receive: micros(duration.saturating_sub(wait)),
            request: builder.request((method, url.as_str(), target), version, headers, body),
            response: exchange.response.map(|(it, _)| {
                builder.response(it.status(), it.version(), it.headers(), Some(it.body()))
            }),
        };
        builder.add(hop);
    })
}

/// Adds the headers that hyper would add after this middleware, so that the trace has them.
fn add_server_headers(response: &mut Response, now: Timestamp) {
    let size = response.body().size_hint().exact();
    let at = UNIX_EPOCH + Duration::from_millis(now.as_millis().unsigned_abs());
    let headers = response.headers_mut();
    if let Some(size) = size {
        headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(size));
    }
    if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(at)) {
        headers.entry(header::DATE).or_insert(date);
    }
}

/// Returns `None` if it fails: that must not fail the sign-in.
async fn store(
    app: &Application,
    id: TraceId,
    builder: TraceBuilder,
    signed_in: SignedIn,
    provider: Option<String>,
) -> Option<()> {
    let user = signed_in.user;
    let mut trace = builder.finish(id, signed_in, provider);
    let record = [None, Some(false), Some(true)].into_iter().find_map(|drop_headers| {
        if let Some(headers_too) = drop_headers {
            trace.hops.iter_mut().for_each(|hop| hop.drop_bodies(headers_too));
        }
        serde_json::to_string(&trace).ok().filter(|record| record.len() <= MAX_RECORD)
    })?;
    let summary = summary(&trace, user, app.clock.now());
    match latchkey_store::traces::insert(&app.db, &summary, &record).await {
        Ok(()) => Some(()),
        Err(error) => {
            tracing::warn!(%error, "a trace could not be stored");
            None
        }
    }
}

fn summary(trace: &Trace, user_id: UserId, now: Timestamp) -> Summary {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Summary {
        id: trace.id,
        user_id,
        method: trace.method.clone(),
        credential: trace.credential,
        created_at: trace.started_at,
        expires_at: now.plus(RETENTION),
        exchanges: count(trace.hops.len()),
        bytes: count(trace.bytes()),
        micros: i64::try_from(trace.duration()).unwrap_or(i64::MAX),
    }
}

/// The `state` in the redirect to a provider.
fn state_in_redirect(response: &Response) -> String {
    let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let query = location.and_then(|to| to.split_once('?')).map_or("", |(_, query)| query);
    form_value("state", query.as_bytes())
}

fn form_value(name: &str, form: &[u8]) -> String {
    let mut pairs = url::form_urlencoded::parse(form);
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

struct CapturedRequest {
    parts: Parts,
    at: Instant,
    /// Filled while the handler reads the body, so that its own limits still apply.
    body: Arc<Mutex<Vec<u8>>>,
}

impl CapturedRequest {
    fn capture(request: Request) -> (Self, Request) {
        let (parts, body) = request.into_parts();
        let copy = Arc::<Mutex<Vec<u8>>>::default();
        let captured = Self { parts: parts.clone(), at: Instant::now(), body: Arc::clone(&copy) };
        let body = body.into_data_stream().inspect_ok(move |data| {
            let mut copy = copy.lock();
            let room = MAX_BODY.saturating_sub(copy.len());
            copy.extend_from_slice(&data[..data.len().min(room)]);
        });
        (captured, Request::from_parts(parts, Body::from_stream(body)))
    }

    fn query_parameter(&self, name: &str) -> String {
        form_value(name, self.parts.uri.query().unwrap_or_default().as_bytes())
    }

    fn add_to(
        &self,
        builder: &mut TraceBuilder,
        step: Step,
        to: Party,
        origin: &str,
        body: &[u8],
        response: &Response,
    ) {
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let url = format!("{origin}{target}");
        let Parts { method, version, headers, .. } = &self.parts;
        let hop = Hop {
            step,
            from: Party::Browser,
            to,
            start: builder.offset(self.at),
            wait: micros(self.at.elapsed()),
            receive: 0,
            request: builder.request((method, &url, target), *version, headers, body),
            response: Some(builder.response(
                response.status(),
                response.version(),
                response.headers(),
                None,
            )),
        };
        builder.add(hop);
    }
}
