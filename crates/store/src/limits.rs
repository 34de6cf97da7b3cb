//! How much one process asks of the database, and how often.

use std::time::Duration;

/// How much of a database one process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: u32,
    /// How long a statement may take, waiting for a connection or for another
    /// writer included, and a transaction as a whole. Whoever asked is then told
    /// that the database cannot be reached.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 8, timeout: Duration::from_secs(5) }
    }
}

/// How often one looks where nothing can be heard: half of the second within
/// which what has ended has to be refused.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(400);
