//! Where the time of a sign-in went, and two sign-ins on one scale: the latest
//! through OAuth, and the latest with a password.

use super::model::{Hop, Party, Trace};
use super::sequence::is_provider_unseen;
use super::steps::Step;
use super::view::{bytes, millis};

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
enum Turn {
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

fn taken_by(stretches: &[Stretch], turn: Turn) -> u64 {
    let theirs = stretches.iter().filter(|stretch| stretch.turn == turn);
    theirs.map(|stretch| stretch.ended - stretch.begun).sum()
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
        Some(Step::Authorize | Step::ProviderPage) => Turn::Person,
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
    pub(crate) oauth: Option<Column>,
    pub(crate) password: Option<Column>,
    pub(crate) scale: String,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) front: usize,
    pub(crate) back: usize,
    pub(crate) up: String,
    pub(crate) down: String,
    pub(crate) app: String,
    pub(crate) provider: String,
    pub(crate) way: String,
    pub(crate) person: Option<String>,
    pub(crate) machines: String,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) class: &'static str,
}

impl SideBySide {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        [&self.oauth, &self.password].into_iter().flatten()
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.oauth.is_some() && self.password.is_some()
    }
}

pub(crate) fn side_by_side(oauth: Option<&Trace>, password: Option<&Trace>) -> SideBySide {
    let measured = |trace: &Trace| {
        let stretches = stretches(trace);
        let machines = trace.micros().saturating_sub(taken_by(&stretches, Turn::Person));
        (stretches, machines)
    };
    let (oauth, password) = (oauth.map(|t| (t, measured(t))), password.map(|t| (t, measured(t))));
    let longest = [&oauth, &password].into_iter().flatten().map(|(_, (_, machines))| *machines);
    let longest = longest.max().unwrap_or(0).max(1);
    let column = |(trace, (stretches, machines)): (&Trace, (Vec<Stretch>, u64))| {
        column(trace, &stretches, machines, longest)
    };
    SideBySide { scale: millis(longest), oauth: oauth.map(column), password: password.map(column) }
}

fn column(trace: &Trace, stretches: &[Stretch], machines: u64, longest: u64) -> Column {
    let front = trace.hops.iter().filter(|hop| hop.from == Party::Browser).count();
    let up: usize = trace.hops.iter().map(|hop| hop.request.size()).sum();
    let time = |turn| millis(taken_by(stretches, turn));
    let person = taken_by(stretches, Turn::Person);
    Column {
        id: trace.id.to_string(),
        name: trace.provider.clone().unwrap_or_else(|| "Password".to_owned()),
        front,
        back: trace.hops.len() - front,
        up: bytes(up),
        down: bytes(trace.bytes() - up),
        app: time(Turn::App),
        provider: time(Turn::Provider),
        way: time(Turn::Way),
        person: (person > 0).then(|| millis(person)),
        machines: millis(machines),
        bars: bars(stretches, longest),
    }
}

fn bars(stretches: &[Stretch], longest: u64) -> Vec<Bar> {
    let scale = (WIDTH - PERSON) / longest as f64;
    let mut x = 0.0;
    let mut bars = Vec::new();
    for stretch in stretches {
        let width = match stretch.turn {
            Turn::Person => PERSON,
            _ => (stretch.ended - stretch.begun) as f64 * scale,
        };
        let class = stretch.turn.into();
        bars.push(Bar { x: format!("{x:.1}"), width: format!("{:.1}", width.max(0.5)), class });
        x += width;
    }
    bars
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
        let found = stretches(&trace);
        for (turn, micros) in [
            (Turn::Person, 85),
            (Turn::App, 5 + 18),
            (Turn::Provider, 5 + 3 + 10 + 10),
            (Turn::Way, 4),
        ] {
            assert_eq!(taken_by(&found, turn), micros, "{turn:?}: {found:?}");
        }
        assert_eq!(found.iter().map(|one| one.ended - one.begun).sum::<u64>(), 140);

        let mut real = trace;
        real.hops.retain(|hop| !(hop.from == Browser && hop.to == Provider));
        assert_eq!(taken_by(&stretches(&real), Turn::Person), 102);
    }
}
