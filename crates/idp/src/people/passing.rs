//! People who pass by: made up for one authorization, and written down nowhere.

use super::{GithubAccount, NewPerson, Person};
use crate::digest::Digest;

/// What the keys of people who pass by begin with.
const PREFIX: &str = "passing-";

/// Longest key; it comes with every authorization.
const MAX_KEY: usize = 64;

/// More digits than any account that is there or was created has first.
const FIRST_DIGIT: u64 = 9;

/// Whether a key is that of somebody who passes by.
pub(crate) fn is_passing(key: &str) -> bool {
    key.strip_prefix(PREFIX).is_some_and(|rest| {
        !rest.is_empty() && key.len() <= MAX_KEY && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Somebody for one authorization. The same key is the same person at every
/// provider, so that a program can come back as who it was, and leave no trace.
pub(crate) fn passing(key: &str, new: NewPerson) -> Person {
    let digest = Digest::of(key);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[..8]);
    // 48 bits: as exact in JSON as it is here.
    let number = u64::from_be_bytes(bytes) >> 16;
    Person {
        key: key.to_owned(),
        name: new.name,
        branch: "Passes by.".into(),
        google_sub: format!("{FIRST_DIGIT}{number:020}"),
        github: GithubAccount {
            id: number,
            login: key.to_owned(),
            shows_name: true,
            shows_email: true,
            email: new.email.clone(),
        },
        facebook_id: format!("{FIRST_DIGIT}{number:016}"),
        email: new.email,
        testing: false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keys_of_those_who_pass_by() {
        for (key, is) in [
            ("passing-1f", true),
            ("passing-", false),
            ("ada", false),
            ("passing-a b", false),
            ("passing-a/b", false),
        ] {
            assert_eq!(is_passing(key), is, "{key}");
        }
        assert!(!is_passing(&format!("passing-{}", "a".repeat(64))));
    }

    #[test]
    fn the_same_key_is_the_same_person() {
        let new = || NewPerson::parse("Somebody", "a@example.test", true).unwrap();
        let one = passing("passing-1", new());
        assert_eq!(one, passing("passing-1", new()));
        let other = passing("passing-2", new());
        assert_ne!(one.google_sub, other.google_sub);
        assert_ne!(one.github.id, other.github.id);
        assert_ne!(one.facebook_id, other.facebook_id);
    }
}
