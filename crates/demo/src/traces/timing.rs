//! Where the time of a sign-in went, and the latest OAuth and password sign-ins on one scale.

use super::model::{Hop, Party, Trace};
use super::sequence::is_provider_unrecorded;
use super::steps::Step;

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Phase {
    /// The user reads and decides. Includes the pages of a provider that is not recorded.
    Person,
    App,
    Provider,
    #[strum(serialize = "way")]
    Network,
}

/// In microseconds since the start of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    phase: Phase,
    start: u64,
    end: u64,
}

fn intervals(trace: &Trace) -> Vec<Interval> {
    let mut edges: Vec<u64> = trace.hops.iter().flat_map(|hop| [hop.start, hop.end()]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut intervals: Vec<Interval> = Vec::new();
    for edge in edges.windows(2) {
        let (start, end) = (edge[0], edge[1]);
        let phase = phase(trace, start, end);
        match intervals.last_mut() {
            Some(last) if last.phase == phase => last.end = end,
            _ => intervals.push(Interval { phase, start, end }),
        }
    }
    intervals
}

fn phase(trace: &Trace, start: u64, end: u64) -> Phase {
    let during = |hop: &&Hop| hop.start <= start && end <= hop.end();
    let in_flight = || trace.hops.iter().filter(during);
    if in_flight().any(|hop| hop.to == Party::Provider) {
        return Phase::Provider;
    }
    if in_flight().next().is_some() {
        return Phase::App;
    }
    // No request is in flight: the browser follows a redirect or shows a page.
    let before = trace.hops.iter().filter(|hop| hop.end() <= start).max_by_key(|hop| hop.end());
    match before.map(|hop| hop.step) {
        Some(Step::Form | Step::Authorize | Step::ProviderPage) => Phase::Person,
        Some(Step::Start) if is_provider_unrecorded(trace) => Phase::Person,
        _ => Phase::Network,
    }
}

const WIDTH: f64 = 640.0;

/// The width of the user's time, whatever its length: users take seconds, machines milliseconds.
const PERSON_WIDTH: f64 = 56.0;

#[derive(Debug, Default)]
pub(crate) struct SideBySide {
    pub(crate) columns: Vec<Column>,
    pub(crate) has_oauth: bool,
    /// The time that the longer drawing spans, in microseconds.
    pub(crate) scale: u64,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) trace: Trace,
    intervals: Vec<Interval>,
}

pub(crate) fn side_by_side(oauth: Option<Trace>, password: Option<Trace>) -> SideBySide {
    let has_oauth = oauth.is_some();
    let column = |trace| Column { intervals: intervals(&trace), trace };
    let columns: Vec<_> = oauth.into_iter().chain(password).map(column).collect();
    let scale = columns.iter().map(Column::machine_time).max().unwrap_or(0).max(1);
    SideBySide { columns, has_oauth, scale }
}

impl Column {
    pub(crate) fn name(&self) -> &str {
        self.trace.provider.as_deref().unwrap_or("Password")
    }

    pub(crate) fn bytes_up(&self) -> usize {
        self.trace.hops.iter().map(|hop| hop.request.message.size()).sum()
    }

    /// In microseconds.
    pub(crate) fn time_in(&self, phase: Phase) -> u64 {
        let intervals = self.intervals.iter().filter(|interval| interval.phase == phase);
        intervals.map(|interval| interval.end - interval.start).sum()
    }

    /// Everything but the user's time, in microseconds.
    pub(crate) fn machine_time(&self) -> u64 {
        self.trace.duration().saturating_sub(self.time_in(Phase::Person))
    }

    /// The x position, width and CSS class of each bar.
    pub(crate) fn bars(&self, longest: u64) -> Vec<(String, String, &'static str)> {
        let scale = (WIDTH - PERSON_WIDTH) / longest as f64;
        let mut x = 0.0;
        let mut bars = Vec::new();
        for Interval { phase, start, end } in &self.intervals {
            let width = match phase {
                Phase::Person => PERSON_WIDTH,
                _ => (end - start) as f64 * scale,
            };
            bars.push((format!("{x:.1}"), format!("{:.1}", width.max(0.5)), phase.into()));
            x += width;
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::model::Request;
    use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
    use latchkey_domain::{Timestamp, TraceId};

    fn hop(step: Step, from: Party, to: Party, start: u64, end: u64) -> Hop {
        let (request, wait) = (Request::default(), end - start);
        Hop { step, from, to, start, wait, receive: 0, request, response: None }
    }

    #[test]
    fn trace_duration_is_split_among_phases() {
        use Party::{App, Browser, Provider};
        let trace = Trace {
            id: TraceId::new(Timestamp::from_millis(0), [0; 10]),
            method: SignInMethod::OAuth("google".to_owned()),
            credential: CredentialKind::Session,
            provider: None,
            started_at: Timestamp::from_millis(0),
            is_complete: true,
            hops: vec![
                hop(Step::Start, Browser, App, 0, 10),
                hop(Step::Discovery, App, Provider, 2, 7),
                hop(Step::Authorize, Browser, Provider, 12, 15),
                hop(Step::Decision, Browser, Provider, 100, 110),
                hop(Step::Callback, Browser, App, 112, 140),
                hop(Step::Token, App, Provider, 120, 130),
            ],
        };
        let mut column = Column { intervals: intervals(&trace), trace };
        for (phase, micros) in [
            (Phase::Person, 85),
            (Phase::App, 5 + 18),
            (Phase::Provider, 5 + 3 + 10 + 10),
            (Phase::Network, 4),
        ] {
            assert_eq!(column.time_in(phase), micros, "{phase:?}: {column:?}");
        }
        assert_eq!(column.machine_time(), 140 - 85);

        column.trace.hops.retain(|hop| !(hop.from == Browser && hop.to == Provider));
        column.intervals = intervals(&column.trace);
        assert_eq!(column.time_in(Phase::Person), 102);
    }
}
