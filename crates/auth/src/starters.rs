//! What a new account begins with, so that the API has something to show.

use latchkey_domain::calendar::{self, Event};
use latchkey_domain::contact::{self, Contact};
use latchkey_domain::{ContactId, EventId, Timestamp, UserId};
use latchkey_store::starters::Starters;

use crate::random;

/// A few contacts and events for a new account.
#[must_use]
pub fn starters(user_id: UserId, now: Timestamp) -> Starters {
    let contacts = contact::first().into_iter().map(|details| Contact {
        id: ContactId::new(now, random::bytes()),
        user_id,
        details,
        created_at: now,
        updated_at: now,
    });
    let events =
        calendar::first(now).into_iter().map(|(title, location, starts_at, ends_at)| Event {
            id: EventId::new(now, random::bytes()),
            user_id,
            title: title.to_owned(),
            location: location.map(str::to_owned),
            starts_at,
            ends_at,
        });
    Starters { contacts: contacts.collect(), events: events.collect() }
}
