//! Exports a span and a duration for each request and each call to a provider (OTLP over HTTP).

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

/// For each final export of traces and of metrics.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The export threads of the SDK.
type Exporters = Arc<(BatchSpanProcessor, SdkMeterProvider)>;

/// Starts the export if `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
pub(crate) fn start(app: &App) -> Result<Option<Exporters>, Error> {
    let Some((endpoint, service)) = &app.settings.otlp else { return Ok(None) };
    let http = Outbound::new(app.settings.outbound_proxy.as_ref(), &app.settings.product.name);
    let client = Client { http, runtime: Handle::current(), is_failing: Arc::default() };
    let url = |path| format!("{}{path}", endpoint.as_str().trim_end_matches('/'));
    let spans = SpanExporter::builder().with_http().with_http_client(client.clone());
    let spans =
        spans.with_protocol(Protocol::HttpBinary).with_endpoint(url("/v1/traces")).build()?;
    let metrics = MetricExporter::builder().with_http().with_http_client(client);
    let metrics = metrics.with_protocol(Protocol::HttpBinary).with_endpoint(url("/v1/metrics"));
    let reader = PeriodicReader::builder(metrics.build()?).build();
    let resource = Resource::builder().with_service_name(service.clone()).build();
    let mut spans = BatchSpanProcessor::builder(spans).build();
    spans.set_resource(&resource);
    let meters = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
    let meter = meters.meter("latchkey");
    let duration = |name| {
        let histogram = meter.f64_histogram(name).with_unit("s");
        histogram.with_boundaries(SECONDS.to_vec()).build()
    };
    let exporters = Arc::new((spans, meters));
    app.metrics.set_observer(Otlp {
        exporters: Arc::clone(&exporters),
        requests: duration("http.server.request.duration"),
        calls: duration("http.client.request.duration"),
        scope: InstrumentationScope::builder("latchkey").build(),
    });
    tracing::info!("exporting traces and metrics to {}", endpoint.origin().ascii_serialization());
    Ok(Some(exporters))
}

/// Exports what is left.
pub(crate) async fn stop(exporters: Option<Exporters>) {
    let Some(exporters) = exporters else { return };
    let shutdown = tokio::task::spawn_blocking(move || {
        let (spans, meters) = &*exporters;
        let spans = spans.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
        (spans, meters.shutdown_with_timeout(SHUTDOWN_TIMEOUT))
    });
    if !matches!(shutdown.await, Ok((Ok(()), Ok(())))) {
        tracing::warn!("the last traces and metrics could not be exported");
    }
}

/// Attributes are route patterns, error codes, and names from the settings: no personal data and no
/// secrets. They follow OpenTelemetry's semantic conventions for HTTP.
#[derive(Debug)]
struct Otlp {
    exporters: Exporters,
    requests: Histogram<f64>,
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
        let duration = request.start.elapsed();
        self.requests.record(duration.as_secs_f64(), &attributes);
        attributes.push(KeyValue::new("latchkey.db.statements", i64::from(request.statements)));
        attributes.push(KeyValue::new("latchkey.db.seconds", request.database.as_secs_f64()));
        let name = format!("{} {}", request.method, request.route);
        let is_error = request.status >= 500;
        self.export(SpanKind::Server, name, request.trace, duration, is_error, attributes);
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
        let is_error = !status.is_ok_and(|status| status < 400);
        let name = format!("{} {}", call.method, call.host);
        self.export(SpanKind::Client, name, call.trace, call.elapsed, is_error, attributes);
    }
}

impl Otlp {
    fn export(
        &self,
        span_kind: SpanKind,
        name: String,
        trace: Option<TraceContext>,
        duration: Duration,
        is_error: bool,
        attributes: Vec<KeyValue>,
    ) {
        let Some(trace) = trace.filter(TraceContext::is_sampled) else { return };
        let (id, span) = (trace.trace_id.into(), trace.span.into());
        #[expect(clippy::disallowed_methods, reason = "spans need a finer clock")]
        let end_time = SystemTime::now();
        self.exporters.0.on_end(SpanData {
            parent_span_is_remote: span_kind == SpanKind::Server && trace.parent.is_some(),
            span_context: SpanContext::new(id, span, TraceFlags::SAMPLED, false, <_>::default()),
            parent_span_id: trace.parent.map_or(SpanId::INVALID, SpanId::from),
            span_kind,
            name: name.into(),
            start_time: end_time.checked_sub(duration).unwrap_or(end_time),
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: <_>::default(),
            links: <_>::default(),
            status: if is_error { Status::error("") } else { Status::Unset },
            instrumentation_scope: self.scope.clone(),
        });
    }
}

/// Our HTTP client, on our runtime: the SDK's threads have none.
#[derive(Clone, Debug)]
struct Client {
    http: Outbound,
    runtime: Handle,
    is_failing: Arc<AtomicBool>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.map(Vec::from));
        let response = self.runtime.spawn(async move { http.send(request).await }).await?;
        let is_failing = !response.as_ref().is_ok_and(|response| response.status().is_success());
        // Log changes only.
        match (self.is_failing.swap(is_failing, Ordering::Relaxed), is_failing) {
            (false, true) => tracing::warn!("traces and metrics cannot be exported"),
            (true, false) => tracing::info!("traces and metrics are exported again"),
            _ => {}
        }
        Ok(response?.map(Bytes::from))
    }
}
