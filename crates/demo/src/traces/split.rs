//! Where the time of a sign-in went.

use super::model::{Hop, Party, Trace};
use super::steps::Step;
use super::timeline::is_provider_unseen;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The person, reading and deciding; with a provider that is not ours to
    /// look into, the provider's pages too.
    Person,
    App,
    Provider,
    /// The browser, and the way between the three.
    Way,
}

/// A stretch of time in which one had the turn, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) turn: Turn,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
}

/// Every stretch, in order and without gaps.
pub(crate) fn stretches(trace: &Trace) -> Vec<Stretch> {
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

/// How long somebody had the turn, in microseconds.
pub(crate) fn taken_by(stretches: &[Stretch], turn: Turn) -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::model::{Body, Request};
    use crate::traces::text::Text;
    use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
    use latchkey_domain::{Timestamp, TraceId};

    fn hop(step: Step, from: Party, to: Party, begun: u64, ended: u64) -> Hop {
        let request = Request {
            method: "GET".to_owned(),
            url: Text::plain("/"),
            version: "HTTP/1.1".to_owned(),
            headers: Vec::new(),
            head: 10,
            body: Body::default(),
        };
        let waited = ended - begun;
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
