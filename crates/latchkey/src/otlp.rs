//! `OTEL_EXPORTER_OTLP_ENDPOINT`: a span for each request and each call to a
//! provider, and how long they took, for a collector (OTLP over HTTP).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use latchkey_auth::http::{Call, Outbound};
use latchkey_auth::trace_context::TraceContext;
use latchkey_axum::metrics::{FinishedRequest, Observer, SECONDS};
use latchkey_web::app::App;
use opentelemetry::metrics::{Histogram, MeterProvider as _};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanProcessor as _};
use tokio::runtime::Handle;

/// How long the end of the process waits for the collector to take the rest of each.
const LAST: Duration = Duration::from_millis(500);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The SDK's threads, which hand over what they are given.
type Exporters = Arc<(BatchSpanProcessor, SdkMeterProvider)>;

/// Begins to hand over, where the settings name a collector.
pub(crate) fn start(app: &App) -> Result<Option<Exporters>, Error> {
    let Some((endpoint, service)) = &app.settings.otlp else { return Ok(None) };
    let http = Outbound::new(app.settings.outbound_proxy.as_ref(), &app.settings.product.name);
    let client = Client { http, runtime: Handle::current(), fails: Arc::default() };
    let at = |path| format!("{}{path}", endpoint.as_str().trim_end_matches('/'));
    let spans = SpanExporter::builder().with_http().with_http_client(client.clone());
    let spans =
        spans.with_protocol(Protocol::HttpBinary).with_endpoint(at("/v1/traces")).build()?;
    let metrics = MetricExporter::builder().with_http().with_http_client(client);
    let metrics = metrics.with_protocol(Protocol::HttpBinary).with_endpoint(at("/v1/metrics"));
    let reader = PeriodicReader::builder(metrics.build()?).build();
    let resource = Resource::builder().with_service_name(service.clone()).build();
    let mut spans = BatchSpanProcessor::builder(spans).build();
    spans.set_resource(&resource);
    let meters = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
    let meter = meters.meter("latchkey");
    let seconds = |name| {
        let histogram = meter.f64_histogram(name).with_unit("s");
        histogram.with_boundaries(SECONDS.to_vec()).build()
    };
    let (answers, calls) =
        (seconds("http.server.request.duration"), seconds("http.client.request.duration"));
    let scope = InstrumentationScope::builder("latchkey").build();
    let exporters = Arc::new((spans, meters));
    app.metrics.set_observer(Otlp { exporters: Arc::clone(&exporters), answers, calls, scope });
    tracing::info!("traces and metrics go to {}", endpoint.origin().ascii_serialization());
    Ok(Some(exporters))
}

/// Hands over what is left.
pub(crate) async fn stop(exporters: Option<Exporters>) {
    let Some(exporters) = exporters else { return };
    let rest = tokio::task::spawn_blocking(move || {
        let (spans, meters) = &*exporters;
        (spans.shutdown_with_timeout(LAST), meters.shutdown_with_timeout(LAST))
    });
    if !matches!(rest.await, Ok((Ok(()), Ok(())))) {
        tracing::warn!("the last traces and metrics were not handed over");
    }
}

/// Attributes are patterns of routes, codes, and names from the settings: they
/// tell nothing of people, and hold no secret. Their names are those of
/// OpenTelemetry's conventions for HTTP.
#[derive(Debug)]
struct Otlp {
    exporters: Exporters,
    answers: Histogram<f64>,
    calls: Histogram<f64>,
    scope: InstrumentationScope,
}

impl Observer for Otlp {
    fn request_finished(&self, request: &FinishedRequest<'_>) {
        let mut attributes = vec![
            KeyValue::new("http.request.method", request.method.to_owned()),
            KeyValue::new("http.route", request.route.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(request.status)),
        ];
        if !request.code.is_empty() {
            attributes.push(KeyValue::new("error.type", request.code.to_owned()));
        }
        let took = request.start.elapsed();
        self.answers.record(took.as_secs_f64(), &attributes);
        attributes.push(KeyValue::new("latchkey.db.statements", i64::from(request.statements)));
        attributes.push(KeyValue::new("latchkey.db.seconds", request.database.as_secs_f64()));
        let name = format!("{} {}", request.method, request.route);
        self.end(SpanKind::Server, name, request.trace, took, request.status >= 500, attributes);
    }

    fn call_finished(&self, call: &Call<'_>) {
        let mut attributes = vec![
            KeyValue::new("http.request.method", call.method.to_owned()),
            KeyValue::new("server.address", call.host.to_owned()),
        ];
        let status = call.outcome.parse::<i64>();
        attributes.push(match status {
            Ok(status) => KeyValue::new("http.response.status_code", status),
            Err(_) => KeyValue::new("error.type", call.outcome.clone()),
        });
        self.calls.record(call.elapsed.as_secs_f64(), &attributes);
        let fails = !status.is_ok_and(|status| status < 400);
        let name = format!("{} {}", call.method, call.host);
        self.end(SpanKind::Client, name, call.trace, call.elapsed, fails, attributes);
    }
}

impl Otlp {
    fn end(
        &self,
        span_kind: SpanKind,
        name: String,
        trace: Option<TraceContext>,
        took: Duration,
        fails: bool,
        attributes: Vec<KeyValue>,
    ) {
        let Some(trace) = trace.filter(TraceContext::is_sampled) else { return };
        let (id, span) = (trace.trace_id.into(), trace.span.into());
        #[expect(clippy::disallowed_methods, reason = "a span's times, finer than our clock's")]
        let end_time = SystemTime::now();
        self.exporters.0.on_end(SpanData {
            parent_span_is_remote: span_kind == SpanKind::Server && trace.parent.is_some(),
            span_context: SpanContext::new(id, span, TraceFlags::SAMPLED, false, <_>::default()),
            parent_span_id: trace.parent.map_or(SpanId::INVALID, SpanId::from),
            span_kind,
            name: name.into(),
            start_time: end_time.checked_sub(took).unwrap_or(end_time),
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: <_>::default(),
            links: <_>::default(),
            status: if fails { Status::error("") } else { Status::Unset },
            instrumentation_scope: self.scope.clone(),
        });
    }
}

/// Our one client, on our runtime: the SDK's threads have none.
#[derive(Clone, Debug)]
struct Client {
    http: Outbound,
    runtime: Handle,
    fails: Arc<AtomicBool>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.map(Vec::from));
        let answer = self.runtime.spawn(async move { http.send(request).await }).await?;
        let fails = !answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        // Said when it changes, not every few seconds.
        match (self.fails.swap(fails, Ordering::Relaxed), fails) {
            (false, true) => tracing::warn!("traces and metrics cannot be handed over"),
            (true, false) => tracing::info!("traces and metrics are handed over again"),
            _ => {}
        }
        Ok(answer?.map(Bytes::from))
    }
}
