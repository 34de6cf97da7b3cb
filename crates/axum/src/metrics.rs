//! What is counted for whoever watches over the process (Prometheus).

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

/// Labels are patterns of routes, codes, and names from the settings: a stranger
/// makes none of them up.
#[derive(Debug)]
pub struct Metrics {
    answers: Counts<4>,
    times: Times<1>,
    statements: Counts<1>,
    database: Seconds<1>,
    sign_ins: Counts<3>,
    refreshes: Counts<1>,
    calls: Times<2>,
    /// Whether anybody can read what each request cost.
    is_read: AtomicBool,
    /// When the ends of sign-ins were last read, by the monotonic clock.
    revocations_read: AtomicU64,
    observer: OnceLock<Box<dyn Observer>>,
}

/// What one request came to.
#[derive(Debug)]
pub struct Answered<'a> {
    pub route: &'a str,
    pub method: &'a str,
    pub status: u16,
    /// Its code under `/errors/`, if it is an error.
    pub code: &'a str,
    pub since: Instant,
    pub statements: u32,
    pub database: Duration,
    pub trace: Option<TraceContext>,
}

/// What the host counts itself.
#[derive(Debug)]
pub struct HostNumbers {
    /// How many wait to be handed over, and for how long the oldest has; unless
    /// the database does not tell.
    pub emails: Option<(u32, Duration)>,
    pub log_lines_lost: u64,
}

/// Whoever hands traces on: is told what requests, and calls for them, came to.
pub trait Observer: Debug + Send + Sync {
    fn answered(&self, answered: &Answered<'_>);

    fn called(&self, call: &Call<'_>);
}

/// Bounds of a histogram: from 5 ms to the 40 s that an answer may take.
pub const SECONDS: [f64; 11] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 40.0];

impl Default for Metrics {
    fn default() -> Self {
        let times: fn() -> Histogram = || Histogram::new(SECONDS);
        Self {
            answers: Family::default(),
            times: Family::new_with_constructor(times),
            statements: Family::default(),
            database: Family::default(),
            sign_ins: Family::default(),
            refreshes: Family::default(),
            calls: Family::new_with_constructor(times),
            is_read: AtomicBool::default(),
            revocations_read: AtomicU64::default(),
            observer: OnceLock::new(),
        }
    }
}

impl Metrics {
    /// From now on somebody may ask for [`Self::text`].
    pub fn begin(&self) {
        self.is_read.store(true, Ordering::Relaxed);
    }

    /// From now on each request is in a trace, and this hears of it. The first one stays.
    pub fn observed_by(&self, observer: impl Observer + 'static) {
        let _ = self.observer.set(Box::new(observer));
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.observer.get().is_some()
    }

    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        if let Some(observer) = self.observer.get() {
            observer.answered(answered);
        }
        if !self.is_read.load(Ordering::Relaxed) {
            return;
        }
        let route = [("route", answered.route.to_owned())];
        let labels = [
            route[0].clone(),
            ("method", answered.method.to_owned()),
            ("status", answered.status.to_string()),
            ("code", answered.code.to_owned()),
        ];
        self.answers.get_or_create(&labels).inc();
        self.times.get_or_create(&route).observe(answered.since.elapsed().as_secs_f64());
        self.statements.get_or_create(&route).inc_by(answered.statements.into());
        self.database.get_or_create(&route).inc_by(answered.database.as_secs_f64());
    }

    /// A sign-in that succeeded (`ok`), or did not, with the reason.
    pub(crate) fn sign_in(&self, method: &str, credential: &str, outcome: &str) {
        let labels = [
            ("method", method.to_owned()),
            ("credential", credential.to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        self.sign_ins.get_or_create(&labels).inc();
    }

    pub(crate) fn refresh(&self, outcome: &str) {
        self.refreshes.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    /// A call to a provider.
    pub(crate) fn called(&self, call: &Call<'_>) {
        if let Some(observer) = self.observer.get() {
            observer.called(call);
        }
        let labels = [("host", call.host.to_owned()), ("outcome", call.outcome.clone())];
        self.calls.get_or_create(&labels).observe(call.elapsed.as_secs_f64());
    }

    /// The ends of sign-ins elsewhere were read.
    pub fn revocations_read(&self, uptime: Duration) {
        let millis = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
        self.revocations_read.store(millis, Ordering::Relaxed);
    }

    /// Everything, as Prometheus reads it.
    pub fn text(&self, db: &Db, hasher: &Hasher, uptime: Duration, host: &HostNumbers) -> String {
        let mut registry = Registry::with_prefix("latchkey");
        let mut now = |name, help, value: f64| {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        if let Some((waiting, since)) = host.emails {
            now("emails_waiting", "E-mails that wait to be handed over", waiting.into());
            now("emails_waiting_seconds", "How long the oldest has waited", since.as_secs_f64());
        }
        let (open, idle) = db.connections();
        now("db_connections_open", "Connections to the database", open.into());
        now("db_connections_idle", "Those of them that nobody uses", idle.into());
        let waiting = u32::try_from(hasher.queue_len()).unwrap_or(u32::MAX);
        now("password_queue", "Passwords that are looked at or wait for it", waiting.into());
        let read = Duration::from_millis(self.revocations_read.load(Ordering::Relaxed));
        let age = uptime.saturating_sub(read).as_secs_f64();
        now("revocation_delay_seconds", "Since the ends of sign-ins elsewhere were read", age);
        let lost = ConstCounter::new(host.log_lines_lost);
        registry.register("log_lines_lost", "Lines of the log that nobody took", lost);
        registry.register("answers", "Answers to requests", self.answers.clone());
        registry.register("answer_seconds", "How long an answer took", self.times.clone());
        let statements = self.statements.clone();
        registry.register("db_statements", "Statements sent to the database", statements);
        registry.register("db_seconds", "Time spent in the database", self.database.clone());
        registry.register("sign_ins", "Sign-ins and failed ones", self.sign_ins.clone());
        registry.register("refreshes", "Refresh tokens shown", self.refreshes.clone());
        registry.register("provider_seconds", "How long a provider took", self.calls.clone());
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
