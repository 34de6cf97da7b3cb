//! A map that forgets: by time, and when it is full.

use std::collections::{HashMap, VecDeque};

use crate::{clock::Timestamp, digest::Digest};

/// Values under the digest of a secret, never more than `capacity` of them.
///
/// A development server runs for weeks with nobody looking: what is not bounded grows.
#[derive(Debug)]
pub(crate) struct Bounded<V> {
    entries: HashMap<Digest, (Timestamp, V)>,
    /// The keys of the entries, from oldest to newest.
    order: VecDeque<Digest>,
    capacity: usize,
}

impl<V> Bounded<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// Adds a value that is forgotten at `forget_at`, making room by dropping what is past its
    /// time and then what is oldest.
    pub(crate) fn insert(&mut self, now: Timestamp, key: Digest, forget_at: Timestamp, value: V) {
        self.remove(&key);
        if self.order.len() >= self.capacity {
            self.entries.retain(|_, (forget_at, _)| *forget_at > now);
            self.order.retain(|key| self.entries.contains_key(key));
        }
        while self.order.len() >= self.capacity {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.entries.remove(&oldest);
        }
        self.entries.insert(key, (forget_at, value));
        self.order.push_back(key);
    }

    pub(crate) fn get(&self, now: Timestamp, key: &Digest) -> Option<&V> {
        let (forget_at, value) = self.entries.get(key)?;
        (*forget_at > now).then_some(value)
    }

    pub(crate) fn get_mut(&mut self, now: Timestamp, key: &Digest) -> Option<&mut V> {
        let (forget_at, value) = self.entries.get_mut(key)?;
        (*forget_at > now).then_some(value)
    }

    /// What is not forgotten yet, from oldest to newest.
    pub(crate) fn iter(&self, now: Timestamp) -> impl Iterator<Item = (&Digest, &V)> {
        self.order.iter().filter_map(move |key| Some((key, self.get(now, key)?)))
    }

    pub(crate) fn remove(&mut self, key: &Digest) {
        if self.entries.remove(key).is_some() {
            self.order.retain(|known| known != key);
        }
    }

    /// Drops every value for which `keep` says no.
    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, (_, value)| keep(value));
        self.order.retain(|key| self.entries.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100);

    fn key(n: u8) -> Digest {
        Digest::of([n])
    }

    #[test]
    fn a_value_is_forgotten_at_its_time() {
        let mut map = Bounded::new(2);
        map.insert(NOW, key(1), Timestamp(160), "a");
        assert_eq!(map.get(Timestamp(159), &key(1)), Some(&"a"));
        assert_eq!(map.get(Timestamp(160), &key(1)), None);
        assert_eq!(map.get_mut(Timestamp(160), &key(1)), None);
    }

    #[test]
    fn a_full_map_drops_the_stale_before_the_oldest() {
        let mut map = Bounded::new(2);
        map.insert(NOW, key(1), Timestamp(900), "old");
        map.insert(NOW, key(2), Timestamp(150), "stale");
        map.insert(Timestamp(200), key(3), Timestamp(900), "new");
        assert!(map.get(Timestamp(200), &key(1)).is_some());

        map.insert(Timestamp(200), key(4), Timestamp(900), "newer");
        assert!(map.get(Timestamp(200), &key(1)).is_none());
        assert!(map.get(Timestamp(200), &key(3)).is_some());
        assert_eq!((map.entries.len(), map.order.len()), (2, 2));
    }

    #[test]
    fn a_value_that_comes_again_or_goes_leaves_no_trace() {
        let mut map = Bounded::new(2);
        map.insert(NOW, key(1), Timestamp(900), "a");
        map.insert(NOW, key(2), Timestamp(900), "b");
        map.remove(&key(1));
        map.insert(NOW, key(2), Timestamp(900), "c");
        map.insert(NOW, key(3), Timestamp(900), "d");
        assert_eq!(map.get(NOW, &key(2)), Some(&"c"));
        assert_eq!((map.entries.len(), map.order.len()), (2, 2));
    }

    #[test]
    fn a_value_that_went_and_comes_again_takes_one_place() {
        let went: [fn(&mut Bounded<u8>); 3] =
            [|map| map.remove(&key(1)), |map| map.retain(|value| *value != 1), |_| {}];
        for go in went {
            let mut map = Bounded::new(2);
            map.insert(NOW, key(2), Timestamp(900), 2);
            map.insert(NOW, key(1), Timestamp(900), 1);
            go(&mut map);
            map.insert(NOW, key(1), Timestamp(900), 1);
            assert_eq!(map.iter(NOW).map(|(_, value)| *value).collect::<Vec<_>>(), [2, 1]);
        }
    }
}
