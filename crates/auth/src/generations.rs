//! A bounded memory for what was found out about tokens.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

/// What a token is found by: two tokens with one digest are not to be found,
/// and whoever reads the memory of the process learns no token from it.
pub(crate) type Fingerprint = [u8; 32];

/// The SHA-256 of the whole of a token.
pub(crate) fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}

/// Two generations: who is asked for moves to the young one. When that is full
/// the old one is forgotten, and with it whoever was not asked for in between.
#[derive(Debug)]
pub(crate) struct Generations<T> {
    young: HashMap<Fingerprint, T>,
    old: HashMap<Fingerprint, T>,
    each: usize,
}

impl<T: Clone> Generations<T> {
    /// Of so many entries each; with 0, nothing is remembered.
    pub(crate) fn new(each: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), each }
    }

    pub(crate) fn get(&mut self, fingerprint: &Fingerprint) -> Option<T> {
        if let Some(entry) = self.young.get(fingerprint) {
            return Some(entry.clone());
        }
        let entry = self.old.remove(fingerprint)?;
        self.insert(*fingerprint, entry.clone());
        Some(entry)
    }

    pub(crate) fn insert(&mut self, fingerprint: Fingerprint, entry: T) {
        if self.each == 0 {
            return;
        }
        if self.young.len() >= self.each {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(fingerprint, entry);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_forgotten_and_who_is_asked_for_stays() {
        let mut memory = Generations::new(10);
        let asked_for = fingerprint("asked for");
        memory.insert(asked_for, 0);
        for n in 1..100_000 {
            memory.insert(fingerprint(&n.to_string()), n);
            assert_eq!(memory.get(&asked_for), Some(0));
        }
        assert!(memory.len() <= 20);
        assert_eq!(memory.get(&fingerprint("1")), None);
        let mut nothing = Generations::new(0);
        nothing.insert(asked_for, 0);
        assert_eq!(nothing.len(), 0);
    }
}
