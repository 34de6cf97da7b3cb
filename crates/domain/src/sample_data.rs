//! Sample contacts and events of a new account, so that the API has data to show.

use crate::calendar::Event;
use crate::contact::{Contact, Details};
use crate::{ContactId, Email, EventId, Span, Timestamp, UserId};

#[derive(Clone, Debug, Default)]
pub struct SampleData {
    pub contacts: Vec<Contact>,
    pub events: Vec<Event>,
}

const CONTACTS: [(&str, &str, Option<&str>); 3] = [
    ("Annie Easley", "annie@example.test", Some("+1 216 555 0142")),
    ("Dennis Ritchie", "dennis@example.test", None),
    ("Radia Perlman", "radia@example.test", Some("+1 617 555 0187")),
];

/// Title, location, days from today, and the hours of start and end.
const EVENTS: [(&str, Option<&str>, u32, [u32; 2]); 3] = [
    ("Change the locks", Some("Front door"), 1, [9, 10]),
    ("Lunch with Radia", Some("The Spanning Tree"), 3, [12, 13]),
    ("Read RFC 9700", None, 7, [15, 17]),
];

impl SampleData {
    pub fn new(user_id: UserId, now: Timestamp, mut random: impl FnMut() -> [u8; 10]) -> Self {
        let day = Span::days(1).as_millis();
        // Midnight in UTC, so that events start on the hour.
        let today = Timestamp::from_millis(now.as_millis().div_euclid(day) * day);
        let contacts = CONTACTS.map(|(name, email, phone)| Contact {
            id: ContactId::new(now, random()),
            user_id,
            details: Details {
                name: name.to_owned(),
                email: Email::parse(email).ok(),
                phone: phone.map(str::to_owned),
            },
            created_at: now,
            updated_at: now,
        });
        let events = EVENTS.map(|(title, location, days, hours)| {
            let [starts_at, ends_at] =
                hours.map(|hour| today.plus(Span::days(days) + Span::minutes(hour * 60)));
            Event {
                id: EventId::new(now, random()),
                user_id,
                title: title.to_owned(),
                location: location.map(str::to_owned),
                starts_at,
                ends_at,
            }
        });
        Self { contacts: contacts.into(), events: events.into() }
    }
}
