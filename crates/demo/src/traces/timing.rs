//! Where the time of a sign-in went, and two sign-ins on one scale: the latest
//! through OAuth, and the latest with a password.

use super::model::{Hop, Party, Trace};
use super::sequence::is_provider_unseen;
use super::steps::Step;

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Turn {
    /// The person, reading and deciding; with a provider that is not ours to
    /// look into, the provider's pages too.
    Person,
    App,
    Provider,
    Way,
}

/// A stretch of time in which one had the turn, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    turn: Turn,
    begun: u64,
    ended: u64,
}

fn stretches(trace: &Trace) -> Vec<Stretch> {
    let mut edges: Vec<u64> = trace.hops.iter().flat_map(|hop| [hop.begun, hop.ended()]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut stretches: Vec<Stretch> = Vec::new();
    for edge in edges.windows(2) {
        let (begun, ended) = (edge[0], edge[1]);
        let turn = turn(trace, begun, ended);
        match stretches.last_mut() {
            Some(last) if last.turn == turn => last.ended = ended,
            _ => stretches.push(Stretch { turn, begun, ended }),
        }
    }
    stretches
}

fn turn(trace: &Trace, begun: u64, ended: u64) -> Turn {
    let during = |hop: &&Hop| hop.begun <= begun && ended <= hop.ended();
    let under_way = || trace.hops.iter().filter(during);
    if under_way().any(|hop| hop.to == Party::Provider) {
        return Turn::Provider;
    }
    if under_way().next().is_some() {
        return Turn::App;
    }
    // Nobody answers anything: the browser is on its way, or shows a page.
    let before = trace.hops.iter().filter(|hop| hop.ended() <= begun).max_by_key(|hop| hop.ended());
    match before.map(|hop| hop.step) {
        Some(Step::Form | Step::Authorize | Step::ProviderPage) => Turn::Person,
        Some(Step::Start) if is_provider_unseen(trace) => Turn::Person,
        _ => Turn::Way,
    }
}

/// The drawing's width, and where the bars begin.
const WIDTH: f64 = 640.0;

/// How wide the person's time is drawn, whatever it was: people take seconds
/// where machines take milliseconds, and nothing else could be seen.
const PERSON: f64 = 56.0;

/// Both, as far as there are any.
#[derive(Debug, Default)]
pub(crate) struct SideBySide {
    pub(crate) columns: Vec<Column>,
    pub(crate) has_oauth: bool,
    /// What the drawings span, in microseconds.
    pub(crate) scale: u64,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) trace: Trace,
    stretches: Vec<Stretch>,
}

pub(crate) fn side_by_side(oauth: Option<Trace>, password: Option<Trace>) -> SideBySide {
    let has_oauth = oauth.is_some();
    let column = |trace| Column { stretches: stretches(&trace), trace };
    let columns: Vec<_> = oauth.into_iter().chain(password).map(column).collect();
    let scale = columns.iter().map(Column::machines).max().unwrap_or(0).max(1);
    SideBySide { columns, has_oauth, scale }
}

impl Column {
    pub(crate) fn name(&self) -> &str {
        self.trace.provider.as_deref().unwrap_or("Password")
    }

    pub(crate) fn up(&self) -> usize {
        self.trace.hops.iter().map(|hop| hop.request.message.size()).sum()
    }

    pub(crate) fn took(&self, turn: Turn) -> u64 {
        let theirs = self.stretches.iter().filter(|stretch| stretch.turn == turn);
        theirs.map(|stretch| stretch.ended - stretch.begun).sum()
    }

    /// Everybody's time but the person's.
    pub(crate) fn machines(&self) -> u64 {
        self.trace.micros().saturating_sub(self.took(Turn::Person))
    }

    /// Where each bar begins, how wide it is, and whose it is.
    pub(crate) fn bars(&self, longest: u64) -> Vec<(String, String, &'static str)> {
        let scale = (WIDTH - PERSON) / longest as f64;
        let mut x = 0.0;
        let mut bars = Vec::new();
        for stretch in &self.stretches {
            let width = match stretch.turn {
                Turn::Person => PERSON,
                _ => (stretch.ended - stretch.begun) as f64 * scale,
            };
            let whose = stretch.turn.into();
            bars.push((format!("{x:.1}"), format!("{:.1}", width.max(0.5)), whose));
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

    fn hop(step: Step, from: Party, to: Party, begun: u64, ended: u64) -> Hop {
        let (request, waited) = (Request::default(), ended - begun);
        Hop { step, from, to, begun, waited, received: 0, request, response: None }
    }

    #[test]
    fn every_microsecond_is_somebodys() {
        use Party::{App, Browser, Provider};
        let trace = Trace {
            id: TraceId::new(Timestamp::from_millis(0), [0; 10]),
            door: SignInMethod::OAuth("google".to_owned()),
            key: CredentialKind::Session,
            provider: None,
            begun_at: Timestamp::from_millis(0),
            is_whole: true,
            hops: vec![
                hop(Step::Start, Browser, App, 0, 10),
                hop(Step::Discovery, App, Provider, 2, 7),
                hop(Step::Authorize, Browser, Provider, 12, 15),
                hop(Step::Decision, Browser, Provider, 100, 110),
                hop(Step::Callback, Browser, App, 112, 140),
                hop(Step::Token, App, Provider, 120, 130),
            ],
        };
        let mut column = Column { stretches: stretches(&trace), trace };
        for (turn, micros) in [
            (Turn::Person, 85),
            (Turn::App, 5 + 18),
            (Turn::Provider, 5 + 3 + 10 + 10),
            (Turn::Way, 4),
        ] {
            assert_eq!(column.took(turn), micros, "{turn:?}: {column:?}");
        }
        assert_eq!(column.machines(), 140 - 85);

        column.trace.hops.retain(|hop| !(hop.from == Browser && hop.to == Provider));
        column.stretches = stretches(&column.trace);
        assert_eq!(column.took(Turn::Person), 102);
    }
}
