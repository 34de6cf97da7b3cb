//! Prometheus metrics, and the observer for OpenTelemetry.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use latchkey_auth::http::Call;
use latchkey_auth::password::Hasher;
use latchkey_auth::trace_context::TraceContext;
use latchkey_store::Db;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Labels<const N: usize> = [(&'static str, String); N];
type Counts<const N: usize> = Family<Labels<N>, Counter>;
type Seconds<const N: usize> = Family<Labels<N>, Counter<f64, AtomicU64>>;
type Times<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// Labels are route patterns, error codes, and names from the settings: clients cannot create
/// new ones.
#[derive(Debug)]
pub struct Metrics {
    responses: Counts<4>,
    durations: Times<1>,
    statements: Counts<1>,
    database: Seconds<1>,
    sign_ins: Counts<3>,
    refreshes: Counts<1>,
    calls: Times<2>,
    /// Whether requests are counted.
    is_enabled: AtomicBool,
    /// When revocations were last polled: milliseconds of the monotonic clock.
    revocations_polled: AtomicU64,
    observer: OnceLock<Box<dyn Observer>>,
}

#[derive(Debug)]
pub struct FinishedRequest<'a> {
    pub route: &'a str,
    pub method: &'a str,
    pub status: u16,
    /// The error code; empty on success.
    pub code: &'a str,
    pub start: Instant,
    pub statements: u32,
    pub database: Duration,
    pub trace: Option<TraceContext>,
}

/// Gauges of the application around sign-in.
#[derive(Debug)]
pub struct HostGauges {
    /// How many are queued, and the age of the oldest; `None` if the database does not answer.
    pub emails: Option<(u32, Duration)>,
    pub log_lines_lost: u64,
}

/// Receives finished requests and outgoing calls, for example to export traces.
pub trait Observer: Debug + Send + Sync {
    fn request_finished(&self, request: &FinishedRequest<'_>);

    fn call_finished(&self, call: &Call<'_>);
}

/// Histogram buckets in seconds, up to the timeout of a response.
pub const SECONDS: [f64; 11] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 40.0];

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        Self {
            responses: Family::default(),
            durations: Family::new_with_constructor(histogram),
            statements: Family::default(),
            database: Family::default(),
            sign_ins: Family::default(),
            refreshes: Family::default(),
            calls: Family::new_with_constructor(histogram),
            is_enabled: AtomicBool::default(),
            revocations_polled: AtomicU64::default(),
            observer: OnceLock::new(),
        }
    }
}

impl Metrics {
    /// Starts counting requests, for [`Self::text`].
    pub fn enable(&self) {
        self.is_enabled.store(true, Ordering::Relaxed);
    }

    /// Gives every request a trace context and reports it to this observer. Only the first
    /// observer counts.
    pub fn set_observer(&self, observer: impl Observer + 'static) {
        let _ = self.observer.set(Box::new(observer));
    }

    pub(crate) fn has_observer(&self) -> bool {
        self.observer.get().is_some()
    }

    pub(crate) fn request_finished(&self, request: &FinishedRequest<'_>) {
        if let Some(observer) = self.observer.get() {
            observer.request_finished(request);
        }
        if !self.is_enabled.load(Ordering::Relaxed) {
            return;
        }
        let route = [("route", request.route.to_owned())];
        let labels = [
            route[0].clone(),
            ("method", request.method.to_owned()),
            ("status", request.status.to_string()),
            ("code", request.code.to_owned()),
        ];
        self.responses.get_or_create(&labels).inc();
        self.durations.get_or_create(&route).observe(request.start.elapsed().as_secs_f64());
        self.statements.get_or_create(&route).inc_by(request.statements.into());
        self.database.get_or_create(&route).inc_by(request.database.as_secs_f64());
    }

    /// `outcome` is `ok`, or the reason of the failure.
    pub(crate) fn record_sign_in(&self, method: &str, credential: &str, outcome: &str) {
        let labels = [
            ("method", method.to_owned()),
            ("credential", credential.to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        self.sign_ins.get_or_create(&labels).inc();
    }

    pub(crate) fn record_refresh(&self, outcome: &str) {
        self.refreshes.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    /// After a call to a provider.
    pub(crate) fn call_finished(&self, call: &Call<'_>) {
        if let Some(observer) = self.observer.get() {
            observer.call_finished(call);
        }
        let labels = [("host", call.host.to_owned()), ("outcome", call.outcome.clone())];
        self.calls.get_or_create(&labels).observe(call.elapsed.as_secs_f64());
    }

    /// After polling the revocations of other processes.
    pub fn revocations_polled(&self, uptime: Duration) {
        let millis = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
        self.revocations_polled.store(millis, Ordering::Relaxed);
    }

    /// All metrics in the text format of Prometheus.
    pub fn text(&self, db: &Db, hasher: &Hasher, uptime: Duration, host: &HostGauges) -> String {
        let mut registry = Registry::with_prefix("latchkey");
        let mut gauge = |name, help, value: f64| {
            let metric = Gauge::<f64, AtomicU64>::default();
            metric.set(value);
            registry.register(name, help, metric);
        };
        if let Some((waiting, age)) = host.emails {
            gauge("emails_waiting", "E-mails in the queue", waiting.into());
            gauge("emails_waiting_seconds", "Age of the oldest of them", age.as_secs_f64());
        }
        let (open, idle) = db.connections();
        gauge("db_connections_open", "Open connections to the database", open.into());
        gauge("db_connections_idle", "Idle connections to the database", idle.into());
        let waiting = u32::try_from(hasher.queue_len()).unwrap_or(u32::MAX);
        gauge("password_queue", "Passwords being checked or waiting", waiting.into());
        let polled = Duration::from_millis(self.revocations_polled.load(Ordering::Relaxed));
        let age = uptime.saturating_sub(polled).as_secs_f64();
        gauge("revocation_delay_seconds", "Time since revocations were polled", age);
        let lost = ConstCounter::new(host.log_lines_lost);
        registry.register("log_lines_lost", "Log lines dropped", lost);
        registry.register("answers", "Responses", self.responses.clone());
        registry.register("answer_seconds", "Response time", self.durations.clone());
        let statements = self.statements.clone();
        registry.register("db_statements", "Statements sent to the database", statements);
        registry.register("db_seconds", "Time spent in the database", self.database.clone());
        registry.register("sign_ins", "Sign-ins, successful and failed", self.sign_ins.clone());
        registry.register("refreshes", "Uses of refresh tokens", self.refreshes.clone());
        registry.register("provider_seconds", "Duration of calls to providers", self.calls.clone());
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
