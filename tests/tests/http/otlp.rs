//! OTLP export.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use http::Uri;
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, cookie_value, sign_up, signed_in, submit_password, tokens,
};
use latchkey_tests::issuer::TOKEN;
use latchkey_tests::{Browser, Issuer, MailServer, Setup};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Method;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector that accepts everything.
#[derive(Default)]
struct Collector {
    origin: String,
    taken: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl Collector {
    async fn start() -> Self {
        let taken = Arc::<Mutex<Vec<_>>>::default();
        let own = Arc::clone(&taken);
        let take = async move |uri: Uri, body: Bytes| {
            own.lock().expect("no panic").push((uri.path().to_owned(), body));
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let served = axum::serve(listener, Router::new().fallback(take)).into_future();
        tokio::spawn(served);
        Self { origin, taken }
    }

    fn at<T>(&self, path: &str, read: impl Fn(Bytes) -> T) -> Vec<T> {
        let taken = self.taken.lock().expect("no panic");
        taken.iter().filter(|(at, _)| at == path).map(|(_, body)| read(body.clone())).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|one| one.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn named<'s>(spans: &'s [Span], name: &str, trace: &str) -> &'s Span {
    let found = spans.iter().find(|one| one.name == name && hex(&one.trace_id) == trace);
    found.unwrap_or_else(|| panic!("no {name} in {trace}: {spans:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn otlp_spans_and_metrics_contain_no_personal_data() {
    let (collector, issuer) = (Collector::start().await, Issuer::start().await);
    let app = Setup::new()
        .with_issuer(&issuer)
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.origin)
        .set("OTEL_SERVICE_NAME", "front-door")
        .start()
        .await;
    // Clients name their trace, and whether it is sampled.
    let ask = async |trace: &str, flags: &str| {
        let traceparent = format!("00-{trace}-{PARENT}-{flags}");
        let headers = [("traceparent", traceparent.as_str())];
        Browser::new().send(Method::GET, &app.url("/api/v1/me"), &headers, None).await
    };
    let problem =
        |page: latchkey_tests::Page| latchkey_tests::accounts::json_of(&page)["trace_id"].clone();
    assert_eq!(problem(ask(TRACE, "01").await), TRACE);
    let unrecorded = TRACE.replace('4', "5");
    let _ = ask(&unrecorded, "00").await.expect(401);
    // Without `traceparent` we start a trace.
    let ours = problem(Browser::new().get(&app.url("/api/v1/contacts")).await);
    let ours = ours.as_str().expect("a trace").to_owned();

    let mut browser = Browser::with_user_agent("Mozilla/5.0 of-ada");
    let authorize = browser.start_sign_in(&app, "acme").await;
    let callback = issuer.approve(&authorize);
    let _ = browser.follow_callback(&callback).await.expect(303);
    sign_up(&app, "ada@example.test").await;
    let session = signed_in(&app, "ada@example.test", "session").await;
    let pair = tokens(&app, "ada@example.test", None).await;
    let _ = ApiClient::new(&app).refresh(&pair.refresh).await.expect(200);
    let _ = submit_password(
        &mut Browser::new(),
        &app,
        &[("email", "eve@example.test"), ("password", "x")],
    )
    .await;
    let _ = Browser::new()
        .send(Method::from_bytes(b"ADA").expect("a method"), &app.url("/"), &[], None)
        .await;
    let session = cookie_value(&session, "latchkey_session").expect("a session");
    let asked = issuer.requests(TOKEN);
    let passed_on = asked[0].header("traceparent").expect("a traceparent").to_owned();
    drop(app.stop().await);

    let bodies = collector.at("/v1/traces", |body| body);
    let requests: Vec<_> = bodies
        .iter()
        .map(|body| ExportTraceServiceRequest::decode(body.clone()).expect("spans"))
        .collect();
    let mut spans = Vec::new();
    for resource in requests.into_iter().flat_map(|request| request.resource_spans) {
        let attributes = resource.resource.expect("a resource").attributes;
        assert_eq!(attribute(&attributes, "service.name").as_deref(), Some("front-door"));
        spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    let continued = named(&spans, "GET /api/v1/me", TRACE);
    assert_eq!(hex(&continued.parent_span_id), PARENT);
    for (name, expected) in [
        ("http.request.method", "GET"),
        ("http.route", "/api/v1/me"),
        ("http.response.status_code", "401"),
        ("error.type", "token_missing"),
        ("latchkey.db.statements", "0"),
    ] {
        assert_eq!(attribute(&continued.attributes, name).as_deref(), Some(expected), "{name}");
    }
    assert!(continued.end_time_unix_nano > continued.start_time_unix_nano);
    assert!(!spans.iter().any(|one| hex(&one.trace_id) == unrecorded), "nobody wants it recorded");
    assert!(named(&spans, "GET /api/v1/contacts", &ours).parent_span_id.is_empty());
    // The call to the provider belongs to the trace of the callback, and propagates it.
    let call = spans.iter().find(|one| passed_on.contains(&hex(&one.span_id))).expect("a call");
    assert_eq!(attribute(&call.attributes, "http.response.status_code").as_deref(), Some("200"));
    let callback_of = named(&spans, "GET /auth/{provider}/callback", &hex(&call.trace_id));
    assert_eq!(call.parent_span_id, callback_of.span_id);
    assert!(spans.iter().any(|one| one.name.starts_with("_OTHER ")), "{spans:?}");

    let metrics = collector.at("/v1/metrics", |body| body);
    let decoded = metrics
        .iter()
        .map(|body| ExportMetricsServiceRequest::decode(body.clone()).expect("metrics"));
    let decoded = format!("{:?}", decoded.collect::<Vec<_>>());
    for part in ["http.server.request.duration", "http.client.request.duration", "front-door"] {
        assert!(decoded.contains(part), "{part}: {decoded}");
    }

    // No personal data, and no secrets.
    let mut secrets: Vec<_> = callback.query_pairs().map(|(_, value)| value.into_owned()).collect();
    secrets.retain(|value| value.len() > 8 && *value != issuer.url);
    secrets.extend([session, pair.access, pair.refresh, issuer.client_secret().to_owned()]);
    secrets.extend(["example.test", "Lovelace", "of-ada", "ADA", PASSWORD].map(str::to_owned));
    for body in bodies.iter().chain(&metrics) {
        let text = String::from_utf8_lossy(body);
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_collector_does_not_prevent_sign_in() {
    let nowhere = MailServer::unused_address().await;
    // Connections to it are established, and never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    silent.set_nonblocking(true).expect("a listener");
    for collector in [nowhere, silent.local_addr().expect("an address")] {
        let endpoint = format!("http://{collector}/otlp/");
        let app = Setup::new().set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).start().await;
        let _ = sign_up_then_sign_in(&app).await;
        drop(app.stop().await);
    }
    let _ = silent.accept().expect("an attempt to export");
}

async fn sign_up_then_sign_in(app: &latchkey_tests::Latchkey) -> Browser {
    sign_up(app, "ada@example.test").await;
    signed_in(app, "ada@example.test", "session").await
}

/// Without an endpoint, requests start no traces.
#[tokio::test]
async fn no_trace_is_started_without_a_collector() {
    let app = latchkey_tests::Latchkey::start().await;
    let page = Browser::new().get(&app.url("/api/v1/me")).await;
    let problem = latchkey_tests::accounts::json_of(&page);
    assert_eq!(problem["trace_id"].as_str(), page.header("x-request-id"));
}
