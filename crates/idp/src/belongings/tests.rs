use std::collections::HashSet;

use super::{calendar::events, contacts::contacts, repositories::repositories};
use crate::{clock::Timestamp, people::builtin};

const NOW: Timestamp = Timestamp(1_800_000_000);
const DAY: u64 = 24 * 60 * 60;

#[test]
fn everybody_has_something_to_show_and_something_else_than_others() {
    let people = builtin::people();
    let mut seen = HashSet::new();
    for person in &people {
        let events = events(person, NOW);
        let ahead = events.iter().filter(|event| event.start >= NOW).count();
        assert!(ahead >= 5, "{}: {ahead} events", person.key);
        assert!(contacts(person).len() >= 6, "{}", person.key);
        assert!(contacts(person).iter().any(|contact| contact.email.is_some()), "{}", person.key);
        let repositories = repositories(person, NOW);
        assert!(repositories.iter().any(|repository| repository.private), "{}", person.key);
        assert!(repositories.iter().any(|repository| !repository.private), "{}", person.key);
        seen.insert((format!("{:?}", events), format!("{:?}", contacts(person))));
    }
    assert_eq!(seen.len(), people.len());
}

#[test]
fn ids_are_unique_and_addresses_are_plain() {
    for person in builtin::people() {
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
fn a_calendar_moves_with_the_day_and_its_events_stay_where_they_are() {
    let ada = builtin::people().remove(0);
    let today = events(&ada, NOW);
    let morning = Timestamp(NOW.0 / DAY * DAY);
    assert_eq!(today, events(&ada, morning));
    let tomorrow = events(&ada, Timestamp(NOW.0 + DAY));
    assert_ne!(today, tomorrow);
    let both = today.iter().filter(|event| tomorrow.contains(event)).count();
    assert!(both + 6 > today.len(), "{both} of {}", today.len());
    assert!(today.windows(2).all(|pair| pair[0].start <= pair[1].start));
}
