//! One at a time in this process, for each connection.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

use latchkey_domain::ConnectionId;

/// A gate for each connection that somebody stands before.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<HashMap<ConnectionId, Arc<tokio::sync::Mutex<()>>>>);

impl Gates {
    /// The gate of a connection. Those before which nobody stands are forgotten.
    pub(super) fn of(&self, id: ConnectionId) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.0.lock();
        gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        Arc::clone(gates.entry(id).or_default())
    }
}
