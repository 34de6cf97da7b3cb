//! Instants, durations and the clock.

use std::fmt;
use std::ops::Add;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use serde::{Deserialize, Serialize};

/// An instant, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A duration in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds as i64 * 1000)
    }

    pub const fn minutes(minutes: u32) -> Self {
        Self(minutes as i64 * 60_000)
    }

    pub const fn days(days: u32) -> Self {
        Self(days as i64 * 86_400_000)
    }

    pub const fn millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    pub const fn as_seconds(self) -> i64 {
        self.0 / 1000
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0.unsigned_abs())
    }
}

/// The two largest units: "4 minutes 12 seconds".
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, i64); 4] =
            [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
        let mut rest = self.as_seconds();
        let counted = UNITS.into_iter().filter_map(|(unit, size)| {
            let count = rest / size;
            rest %= size;
            let plural = if count == 1 { "" } else { "s" };
            (count > 0).then(|| format!("{count} {unit}{plural}"))
        });
        let parts: Vec<_> = counted.take(2).collect();
        if parts.is_empty() {
            return f.write_str("less than a second");
        }
        f.write_str(&parts.join(" "))
    }
}

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From a `NumericDate` (RFC 7519 §2).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// A `NumericDate` (RFC 7519 §2), rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The time since `earlier`; zero if that is in the future.
    pub const fn since(self, earlier: Self) -> Span {
        Span::millis(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC, to the second: `2026-11-23T16:12:00Z`.
    pub fn rfc3339(self) -> String {
        self.offset_date_time().format(&Rfc3339).unwrap_or_default()
    }

    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self::from_seconds(at.unix_timestamp()))
    }

    /// For people: `23 Nov 2026`.
    pub fn date(self) -> String {
        let at = self.offset_date_time();
        let month = at.month().to_string();
        format!("{} {} {}", at.day(), month.get(..3).unwrap_or(&month), at.year())
    }

    /// Truncated to the second.
    pub fn offset_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.as_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// For people: `23 Nov 2026, 16:12 UTC`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.offset_date_time();
        write!(f, "{}, {:02}:{:02} UTC", self.date(), at.hour(), at.minute())
    }
}

/// In milliseconds.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    uptime: AtomicI64,
}

/// The source of time: the system's clock, or one that tests set.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Stands still until it is moved.
    Manual(Arc<ManualClock>),
}

impl Clock {
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(ManualClock { now: AtomicI64::new(at.0), uptime: AtomicI64::new(0) }))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock itself")]
            Self::System => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(clock) => Timestamp(clock.now.load(Ordering::SeqCst)),
        }
    }

    /// Monotonic time since the first call.
    pub fn uptime(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Self::System => START.elapsed(),
            Self::Manual(clock) => {
                Duration::from_millis(clock.uptime.load(Ordering::SeqCst).unsigned_abs())
            }
        }
    }

    pub fn advance(&self, by: Span) {
        if let Self::Manual(clock) = self {
            clock.now.fetch_add(by.0, Ordering::SeqCst);
            clock.uptime.fetch_add(by.0, Ordering::SeqCst);
        }
    }

    /// Corrects a clock that was ahead; the uptime stays.
    pub fn set_back(&self, by: Span) {
        if let Self::Manual(clock) = self {
            clock.now.fetch_sub(by.0, Ordering::SeqCst);
        }
    }
}
