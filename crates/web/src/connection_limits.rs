//! Limits on open connections, in total and per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use latchkey_axum::limits::network;
use parking_lot::Mutex;

/// Connections in total and per address. A trusted proxy speaks for many clients
/// and has only the limit in total.
const MAX: usize = 1024;
const MAX_PER_ADDRESS: usize = 256;

/// Connections above these limits, for health checks and to answer others with 503.
const RESERVE: usize = 64;
const RESERVE_PER_ADDRESS: usize = 8;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_TIMEOUT_IN_RESERVE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pool {
    Regular,
    Reserve,
}

/// Open connections by pool and address; `None` counts those of all addresses.
#[derive(Debug, Default)]
pub(crate) struct ConnectionLimits(Mutex<HashMap<(Pool, Option<IpAddr>), usize>>);

/// Counts one open connection until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    pool: Pool,
    address: IpAddr,
}

impl ConnectionLimits {
    pub(crate) fn try_acquire(
        self: &Arc<Self>,
        address: IpAddr,
        is_proxy: bool,
    ) -> Option<ConnectionPermit> {
        let address = network(address);
        let mut open = self.0.lock();
        let count = |key: (Pool, Option<IpAddr>)| open.get(&key).copied().unwrap_or_default();
        let pools =
            [(Pool::Regular, MAX, MAX_PER_ADDRESS), (Pool::Reserve, RESERVE, RESERVE_PER_ADDRESS)];
        let (pool, ..) = pools.into_iter().find(|(pool, max, max_per_address)| {
            count((*pool, None)) < *max
                && (is_proxy || count((*pool, Some(address))) < *max_per_address)
        })?;
        for key in [None, Some(address)] {
            *open.entry((pool, key)).or_default() += 1;
        }
        Some(ConnectionPermit { limits: Arc::clone(self), pool, address })
    }
}

impl ConnectionPermit {
    pub(crate) fn is_reserve(&self) -> bool {
        self.pool == Pool::Reserve
    }

    pub(crate) fn head_timeout(&self) -> Duration {
        if self.is_reserve() { HEAD_TIMEOUT_IN_RESERVE } else { HEAD_TIMEOUT }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limits.0.lock();
        for key in [(self.pool, None), (self.pool, Some(self.address))] {
            if let Some(count) = open.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&key);
                }
            }
        }
    }
}
