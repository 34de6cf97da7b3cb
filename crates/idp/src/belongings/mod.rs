//! What people keep at a provider: events, contacts, repositories. Made from who they are and from
//! the day alone, so that the same person has the same things after every restart.

pub(crate) mod calendar;
pub(crate) mod contacts;
pub(crate) mod repositories;

use crate::{digest::Digest, people::Person};

/// Takes `count` different entries of a pool, which ones depends on the person and on `purpose`.
fn chosen<'a, T>(pool: &'a [T], count: usize, person: &Person, purpose: &str) -> Vec<&'a T> {
    let mut ranked: Vec<(Digest, &T)> = pool
        .iter()
        .enumerate()
        .map(|(n, entry)| (Digest::of(format!("{purpose} {n} {}", person.key)), entry))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank.as_bytes());
    ranked.into_iter().take(count).map(|(_, entry)| entry).collect()
}

/// A name for a thing that never changes: half a digest, in hexadecimal.
fn id_of(parts: &[&str]) -> String {
    let digest = Digest::of(parts.join("\n"));
    digest.as_bytes().iter().take(13).map(|byte| format!("{byte:02x}")).collect()
}

/// A number that belongs to a thing, below 2^32.
fn number_of(parts: &[&str]) -> u64 {
    let digest = Digest::of(parts.join("\n"));
    digest.as_bytes().iter().take(4).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
