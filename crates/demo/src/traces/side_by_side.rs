//! Two sign-ins on one scale: the latest through OAuth, and the latest with a
//! password.

use super::model::{Hop, Party, Trace};
use super::split::{Stretch, Turn, stretches, taken_by};
use super::view::{bytes, millis};

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

/// Puts the two beside each other.
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
    let sent = |hop: &Hop| hop.request.head + hop.request.body.size.unwrap_or(0);
    let up: usize = trace.hops.iter().map(sent).sum();
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
        let (width, class) = match stretch.turn {
            Turn::Person => (PERSON, "person"),
            turn => ((stretch.ended - stretch.begun) as f64 * scale, class(turn)),
        };
        bars.push(Bar { x: format!("{x:.1}"), width: format!("{:.1}", width.max(0.5)), class });
        x += width;
    }
    bars
}

const fn class(turn: Turn) -> &'static str {
    match turn {
        Turn::Person => "person",
        Turn::App => "app",
        Turn::Provider => "provider",
        Turn::Way => "way",
    }
}
