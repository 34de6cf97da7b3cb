//! The people's events, contacts and repositories. They depend on the person and the day only, so
//! that they stay the same after a restart.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::kit::{Digest, Timestamp};
use crate::people::Person;

const DAY: u64 = 24 * 60 * 60;
const MINUTE: u64 = 60;
/// Days of a calendar before today, and from today on.
const CALENDAR_DAYS: (u64, u64) = (7, 28);
/// How many of the common events, contacts and repositories a person has.
const COMMON_EVENTS: usize = 5;
const COMMON_CONTACTS: usize = 6;
const PUBLIC_REPOSITORIES: usize = 3;
const PRIVATE_REPOSITORIES: usize = 2;

#[derive(Deserialize)]
struct Pool {
    events: Vec<RecurringEvent>,
    contacts: Vec<(String, String)>,
    repositories: Vec<Repository>,
    personal: HashMap<String, Personal>,
}

#[derive(Deserialize)]
struct Personal {
    events: Vec<RecurringEvent>,
    contacts: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct RecurringEvent {
    summary: String,
    location: Option<String>,
    /// Hour, minute and length in minutes; `None` is all day.
    time: Option<(u64, u64, u64)>,
    /// In days.
    every: u64,
}

/// Other fields are derived from its name and owner.
#[derive(Deserialize)]
pub struct Repository {
    pub name: String,
    pub description: String,
    pub language: String,
    pub private: bool,
}

#[expect(clippy::expect_used, reason = "a file of this crate, read by tests")]
static POOL: LazyLock<Pool> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/resources.json")).expect("a pool of resources")
});

fn personal(person: &Person) -> Option<&'static Personal> {
    let key = if person.key == "twin" { "ada" } else { &person.key };
    POOL.personal.get(key)
}

/// Picks `count` different entries of a pool, depending on the person and `purpose`.
fn pick<'a, T>(pool: &[&'a T], count: usize, person: &Person, purpose: &str) -> Vec<&'a T> {
    let rank = |(n, _): &(usize, &T)| Digest::of(format!("{purpose} {n} {}", person.key)).0;
    let mut ranked: Vec<(usize, &T)> = pool.iter().copied().enumerate().collect();
    ranked.sort_by_cached_key(rank);
    ranked.into_iter().take(count).map(|(_, entry)| entry).collect()
}

/// A stable id: part of a digest, in hexadecimal.
fn stable_id(parts: &[&str]) -> String {
    let digest = Digest::of(parts.join("\n"));
    digest.0.iter().take(13).map(|byte| format!("{byte:02x}")).collect()
}

/// A stable number below 2^32.
fn stable_number(parts: &[&str]) -> u64 {
    let digest = Digest::of(parts.join("\n"));
    digest.0.iter().take(4).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

pub fn instant(at: Timestamp) -> String {
    date_time(at).and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

pub fn day(at: Timestamp) -> String {
    date_time(at).map(|at| at.date().to_string()).unwrap_or_default()
}

/// Midnight, this many days before today.
pub fn days_before(now: Timestamp, days: u64) -> String {
    instant(Timestamp((now.0 / DAY * DAY).saturating_sub(days * DAY)))
}

fn date_time(at: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(at.0).ok()?).ok()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub summary: &'static str,
    pub location: Option<&'static str>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub all_day: bool,
}

/// From a week ago to four weeks ahead, sorted by start.
pub fn events(person: &Person, now: Timestamp) -> Vec<Event> {
    let today = now.0 / DAY;
    let common: Vec<&RecurringEvent> = POOL.events.iter().collect();
    let mut recurring: Vec<&RecurringEvent> =
        personal(person).into_iter().flat_map(|personal| &personal.events).collect();
    recurring.extend(pick(&common, COMMON_EVENTS, person, "calendar"));
    let mut events: Vec<Event> = (today.saturating_sub(CALENDAR_DAYS.0)..today + CALENDAR_DAYS.1)
        .flat_map(|day| recurring.iter().filter_map(move |event| occurrence(person, event, day)))
        .collect();
    events.sort_by(|a, b| (a.start, a.summary).cmp(&(b.start, b.summary)));
    events
}

/// The event on a day, counted from 1970, if it takes place on that day.
fn occurrence(person: &Person, event: &'static RecurringEvent, day: u64) -> Option<Event> {
    let phase = stable_number(&["phase", &person.key, &event.summary]);
    if !(day + phase).is_multiple_of(event.every) {
        return None;
    }
    let midnight = day * DAY;
    let (start, end) = match event.time {
        None => (midnight, midnight + DAY),
        Some((hour, minute, minutes)) => {
            let start = midnight + (hour * 60 + minute) * MINUTE;
            (start, start + minutes * MINUTE)
        }
    };
    Some(Event {
        id: stable_id(&["event", &person.key, &event.summary, &day.to_string()]),
        summary: &event.summary,
        location: event.location.as_deref(),
        start: Timestamp(start),
        end: Timestamp(end),
        all_day: event.time.is_none(),
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub id: String,
    pub given_name: &'static str,
    pub family_name: &'static str,
    pub email: Option<String>,
}

pub fn contacts(person: &Person) -> Vec<Contact> {
    let common: Vec<&(String, String)> = POOL.contacts.iter().collect();
    let mut names: Vec<&(String, String)> =
        personal(person).into_iter().flat_map(|personal| &personal.contacts).collect();
    names.extend(pick(&common, COMMON_CONTACTS, person, "contacts"));
    let mut contacts: Vec<Contact> = names.into_iter().map(|name| contact(person, name)).collect();
    contacts.sort_by_key(|contact| (contact.family_name, contact.given_name));
    contacts
}

fn contact(person: &Person, (given_name, family_name): &'static (String, String)) -> Contact {
    let id = stable_id(&["contact", &person.key, given_name, family_name]);
    // About one in eight has no address.
    let email = (!id.ends_with(['0', '8']))
        .then(|| format!("{}@example.test", local_part(given_name, family_name)));
    Contact { id: format!("c{id}"), given_name, family_name, email }
}

fn local_part(given_name: &str, family_name: &str) -> String {
    format!("{given_name}.{family_name}")
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            'a'..='z' | '.' => Some(c),
            'á' | 'à' => Some('a'),
            'é' | 'è' => Some('e'),
            'í' | 'ı' => Some('i'),
            'ö' | 'ó' => Some('o'),
            _ => None,
        })
        .collect()
}

impl Repository {
    pub fn number(&self, owner: &Person, purpose: &str) -> u64 {
        stable_number(&[purpose, &owner.key, &self.name])
    }

    pub fn node_id(&self, owner: &Person) -> String {
        format!("R_{}", stable_id(&["repository", &owner.key, &self.name]))
    }
}

pub fn repositories(person: &Person) -> Vec<&'static Repository> {
    let (private, public): (Vec<_>, Vec<_>) =
        POOL.repositories.iter().partition(|repository| repository.private);
    let mut repositories = pick(&public, PUBLIC_REPOSITORIES, person, "public");
    repositories.extend(pick(&private, PRIVATE_REPOSITORIES, person, "private"));
    repositories.sort_by_key(|repository| &repository.name);
    repositories
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::people::builtin;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    #[test]
    fn every_person_has_distinct_resources() {
        let people = builtin();
        let mut seen = HashSet::new();
        for person in &people {
            let events = events(person, NOW);
            let ahead = events.iter().filter(|event| event.start >= NOW).count();
            assert!(ahead >= 5, "{}: {ahead} events", person.key);
            let contacts = contacts(person);
            assert!(contacts.len() >= 6, "{}", person.key);
            assert!(contacts.iter().any(|contact| contact.email.is_some()), "{}", person.key);
            let repositories = repositories(person);
            assert!(repositories.iter().any(|repository| repository.private), "{}", person.key);
            assert!(repositories.iter().any(|repository| !repository.private), "{}", person.key);
            seen.insert((format!("{events:?}"), format!("{contacts:?}")));
        }
        assert_eq!(seen.len(), people.len());
    }

    #[test]
    fn event_ids_are_unique_and_emails_are_ascii() {
        for person in builtin() {
            let events = events(&person, NOW);
            let ids: HashSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
            assert_eq!(ids.len(), events.len());
            for contact in contacts(&person) {
                let email = contact.email.unwrap_or_default();
                assert!(email.is_ascii(), "{email}");
            }
        }
    }

    #[test]
    fn calendar_window_moves_daily_but_events_stay_fixed() {
        let ada = builtin().remove(0);
        let today = events(&ada, NOW);
        let morning = Timestamp(NOW.0 / DAY * DAY);
        assert_eq!(today, events(&ada, morning));
        let tomorrow = events(&ada, Timestamp(NOW.0 + DAY));
        assert_ne!(today, tomorrow);
        let both = today.iter().filter(|event| tomorrow.contains(event)).count();
        assert!(both + 6 > today.len(), "{both} of {}", today.len());
        assert!(today.windows(2).all(|pair| pair[0].start <= pair[1].start));
    }
}
