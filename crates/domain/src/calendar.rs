//! Calendar events.

use serde::{Deserialize, Serialize};

use crate::{EventId, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub user_id: UserId,
    pub title: String,
    pub location: Option<String>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}
