//! Events in somebody's calendar.

use serde::{Deserialize, Serialize};

use crate::{EventId, Span, Timestamp, UserId};

/// An event, which belongs to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub user_id: UserId,
    pub title: String,
    pub location: Option<String>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// What a new account has in its calendar: title, place, beginning and end.
#[must_use]
pub fn first(now: Timestamp) -> [(&'static str, Option<&'static str>, Timestamp, Timestamp); 3] {
    let day = Span::days(1).as_millis();
    // Midnight in UTC, so that events begin at full hours.
    let today = Timestamp::from_millis(now.as_millis().div_euclid(day) * day);
    let at = |days: u32, hours: u32| today.plus(Span::days(days)).plus(Span::minutes(hours * 60));
    [
        ("Change the locks", Some("Front door"), at(1, 9), at(1, 10)),
        ("Lunch with Radia", Some("The Spanning Tree"), at(3, 12), at(3, 13)),
        ("Read RFC 9700", None, at(7, 15), at(7, 17)),
    ]
}
