//! Limits on how one process uses the database.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: u32,
    /// For a statement, including the wait for a connection or for another writer, and for
    /// a transaction as a whole. Afterwards: [`Error::Unavailable`](crate::Error::Unavailable).
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 8, timeout: Duration::from_secs(5) }
    }
}

/// Where there are no notifications. Ended sign-ins must be refused within one second.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(400);
