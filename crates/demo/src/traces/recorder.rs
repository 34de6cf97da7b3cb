//! Where sign-ins are recorded: around our own routes that begin and end one,
//! at the one way out, and, in development, around the local provider.

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
use latchkey_auth::http::{Exchange, Tap, tapped};
use latchkey_auth::random;
use latchkey_domain::{Span, Timestamp, TraceId, UserId};
use latchkey_store::traces::Summary;

use super::builder::{TraceBuilder, micros};
use super::model::{Hop, Party, Trace};
use super::steps::Step;
use crate::state::Demo;
use latchkey_web::app::{App, Application};
use latchkey_web::sign_in::SignedIn;

/// Names the record in the answer that completes a sign-in.
const TRACE: HeaderName = HeaderName::from_static("x-latchkey-trace");

const KEPT_FOR: Span = Span::days(1);

const MAX_RECORD: usize = 256 * 1024;

/// How much is seen of a body: more than any form here is allowed to hold.
const MAX_BODY: usize = 64 * 1024;

/// Records the routes that begin and end a sign-in, and nothing else.
pub(crate) async fn record_app(State(demo): State<Demo>, request: Request, next: Next) -> Response {
    let app = &demo.app;
    let Some((step, slug)) = part(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    let slug = slug.to_owned();
    let (arrived, request) = Arrived::split(request);
    let key = match step {
        Step::Form | Step::Password => form_key(&arrived.parts),
        _ => arrived.parameter("state"),
    };
    let begun = match step {
        Step::Callback | Step::Password => demo.pending.get(&key),
        _ => None,
    };
    let builder = begun.map(|builder| builder.lock().clone());
    let builder = Arc::new(Mutex::new(builder.unwrap_or_else(|| {
        TraceBuilder::new(arrived.at, app.clock.now(), step != Step::Callback)
    })));
    let tap = tap(app.clone(), slug.clone(), Arc::clone(&builder));
    let mut response = tapped(tap, next.run(request)).await;
    let mut builder = builder.lock().clone();
    let signed_in = response.extensions_mut().remove::<SignedIn>();
    let signed_in = signed_in.filter(|_| response.status().is_redirection());
    let id = signed_in.is_some().then(|| TraceId::new(app.clock.now(), random::bytes()));
    if let Some(name) = id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        response.headers_mut().insert(TRACE, name);
    }
    complete(&mut response, app.clock.now());
    let body = std::mem::take(&mut *arrived.seen.lock());
    let origin = app.settings.origin();
    arrived.add_to(&mut builder, step, Party::App, &origin, &body, &response);
    if let (Some(id), Some(signed_in)) = (id, signed_in) {
        demo.pending.remove(&key);
        let label = app.provider(&slug).map(|provider| provider.label.clone());
        if keep(app, id, builder, signed_in, label).await.is_none() {
            response.headers_mut().remove(TRACE);
        }
    } else if step == Step::Start && response.status().is_redirection() {
        demo.pending.put(&state_sent_with(&response), builder);
    } else if step == Step::Form && response.status().is_success() && app.settings.is_development()
    {
        demo.pending.put(&key, builder);
    }
    // Otherwise nobody came in, and it is nobody's record.
    response
}

/// Records what the browser does at the local provider, told apart by the state.
pub(crate) async fn record_provider(
    State(demo): State<Demo>,
    request: Request,
    next: Next,
) -> Response {
    let (arrived, request) = Arrived::split(request);
    let mut response = next.run(request).await;
    let body = std::mem::take(&mut *arrived.seen.lock());
    let state = match arrived.parameter("state") {
        // The decision is a form.
        state if state.is_empty() && arrived.parts.method == Method::POST => named("state", &body),
        state => state,
    };
    let Some(builder) = demo.pending.get(&state) else { return response };
    let app = &demo.app;
    complete(&mut response, app.clock.now());
    let idp = app.settings.local_idp.as_ref();
    let origin = idp.map(|idp| idp.url.origin().ascii_serialization()).unwrap_or_default();
    let step = Step::of_page(&arrived.parts.method, arrived.parts.uri.path());
    arrived.add_to(&mut builder.lock(), step, Party::Provider, &origin, &body, &response);
    response
}

/// By what the form that is sent is known to be the one that was shown. In development alone,
/// where one person has the browser of that name.
fn form_key(parts: &Parts) -> String {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    format!("the form in {}", agent.unwrap_or_default())
}

fn part<'p>(method: &Method, path: &'p str) -> Option<(Step, &'p str)> {
    match *method {
        Method::GET if path == "/sign-in" => return Some((Step::Form, "")),
        Method::POST if path == "/sign-in" => return Some((Step::Password, "")),
        _ => {}
    }
    match path.strip_prefix("/auth/")?.split_once('/') {
        None if *method == Method::POST => Some((Step::Start, &path["/auth/".len()..])),
        Some((slug, "callback")) if *method == Method::GET => Some((Step::Callback, slug)),
        _ => None,
    }
}

/// What is told of the calls that go out.
fn tap(app: App, slug: String, builder: Arc<Mutex<TraceBuilder>>) -> Tap {
    Arc::new(move |exchange: &Exchange<'_>| {
        let (request, took) = (exchange.request, exchange.took);
        let (method, url, headers) = (request.method(), request.url(), request.headers());
        let waited = exchange.answer.map_or(took, |(_, waited)| waited);
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let version = exchange.answer.map_or(Version::HTTP_11, |(answer, _)| answer.version());
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let mut builder = builder.lock();
        let hop = Hop {
            step: Step::of_call(app.provider(&slug), method, url),
            from: Party::App,
            to: Party::Provider,
            begun: builder.since_begun(exchange.begun),
            waited: micros(waited),
            received: micros(took.saturating_sub(waited)),
            request: builder.request((method, url.as_str(), target), version, headers, body),
            response: exchange.answer.map(|(it, _)| {
                builder.response(it.status(), it.version(), it.headers(), Some(it.body()))
            }),
        };
        builder.add(hop);
    })
}

/// Puts the headers in that the server would add below us, so that what is
/// recorded is what is sent.
fn complete(response: &mut Response, now: Timestamp) {
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

/// Writes the record down for whoever came in. Their sign-in does not fail
/// when that does.
async fn keep(
    app: &Application,
    id: TraceId,
    builder: TraceBuilder,
    signed_in: SignedIn,
    provider: Option<String>,
) -> Option<()> {
    let user = signed_in.user;
    let mut trace = builder.finish(id, signed_in, provider);
    let record = [None, Some(false), Some(true)].into_iter().find_map(|smaller| {
        if let Some(headers_too) = smaller {
            trace.hops.iter_mut().for_each(|hop| hop.drop_bodies(headers_too));
        }
        serde_json::to_string(&trace).ok().filter(|record| record.len() <= MAX_RECORD)
    })?;
    let summary = summary(&trace, user, app.clock.now());
    match latchkey_store::traces::insert(&app.db, &summary, &record).await {
        Ok(()) => Some(()),
        Err(error) => {
            tracing::warn!(%error, "a trace could not be kept");
            None
        }
    }
}

fn summary(trace: &Trace, user_id: UserId, now: Timestamp) -> Summary {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Summary {
        id: trace.id,
        user_id,
        method: trace.door.clone(),
        credential: trace.key,
        created_at: trace.begun_at,
        expires_at: now.plus(KEPT_FOR),
        exchanges: count(trace.hops.len()),
        bytes: count(trace.bytes()),
        micros: i64::try_from(trace.micros()).unwrap_or(i64::MAX),
    }
}

/// The state with which we send a browser to a provider.
fn state_sent_with(response: &Response) -> String {
    let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let query = location.and_then(|to| to.split_once('?')).map_or("", |(_, query)| query);
    named("state", query.as_bytes())
}

fn named(name: &str, form: &[u8]) -> String {
    let mut pairs = url::form_urlencoded::parse(form);
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

struct Arrived {
    parts: Parts,
    at: Instant,
    /// What has passed of the body. It is read as it passes, so that whatever limits it further
    /// in still limits it.
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Arrived {
    fn split(request: Request) -> (Self, Request) {
        let (parts, body) = request.into_parts();
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let tap = Arc::clone(&seen);
        let body = body.into_data_stream().inspect_ok(move |data| {
            let mut seen = tap.lock();
            let room = MAX_BODY.saturating_sub(seen.len());
            seen.extend_from_slice(&data[..data.len().min(room)]);
        });
        let arrived = Self { parts: parts.clone(), at: Instant::now(), seen };
        (arrived, Request::from_parts(parts, Body::from_stream(body)))
    }

    fn parameter(&self, name: &str) -> String {
        named(name, self.parts.uri.query().unwrap_or_default().as_bytes())
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
            begun: builder.since_begun(self.at),
            waited: micros(self.at.elapsed()),
            received: 0,
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
