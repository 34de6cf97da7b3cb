//! How many connections there may be, and how many of them from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use latchkey_axum::limits::network;
use parking_lot::Mutex;

/// Connections at a time, and how many of them one address may have. A proxy of
/// ours speaks for many people and may have them all.
const MAX: usize = 1024;
const MAX_OF_ONE: usize = 256;

/// Beyond them, places for a moment: for whoever asks whether the process is
/// alive, and to tell everybody else to come back later.
const RESERVE: usize = 64;
const RESERVE_OF_ONE: usize = 8;

/// How long somebody may take over the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_TIMEOUT_IN_RESERVE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Served,
    Reserve,
}

#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<(Kind, Option<IpAddr>), usize>>);

/// A place that is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    kind: Kind,
    address: IpAddr,
}

impl Places {
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, is_proxy: bool) -> Option<Place> {
        let address = network(address);
        let mut taken = self.0.lock();
        let has = |who: (Kind, Option<IpAddr>)| taken.get(&who).copied().unwrap_or_default();
        let kinds = [(Kind::Served, MAX, MAX_OF_ONE), (Kind::Reserve, RESERVE, RESERVE_OF_ONE)];
        let (kind, ..) = kinds.into_iter().find(|(kind, all, of_one)| {
            has((*kind, None)) < *all && (is_proxy || has((*kind, Some(address))) < *of_one)
        })?;
        for who in [None, Some(address)] {
            *taken.entry((kind, who)).or_default() += 1;
        }
        Some(Place { places: Arc::clone(self), kind, address })
    }
}

impl Place {
    pub(crate) fn is_reserve(&self) -> bool {
        self.kind == Kind::Reserve
    }

    pub(crate) fn patience(&self) -> Duration {
        if self.is_reserve() { HEAD_TIMEOUT_IN_RESERVE } else { HEAD_TIMEOUT }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        for who in [(self.kind, None), (self.kind, Some(self.address))] {
            if let Some(count) = taken.get_mut(&who) {
                *count -= 1;
                if *count == 0 {
                    taken.remove(&who);
                }
            }
        }
    }
}
