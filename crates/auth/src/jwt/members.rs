//! JSON objects in which a name may stand only once.

use std::collections::HashSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The members of a JSON object, in the order in which they were written.
///
/// serde's maps keep the last of two members with one name, other parsers keep
/// the first: a token with two `sub` would be two people (RFC 7515 §4, RFC 7519
/// §4). So all of them are kept, and counted.
pub(crate) struct Members(Vec<(String, Value)>);

impl Members {
    /// Reads an object; `None` when it is none.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Whether some name stands more than once.
    pub(crate) fn any_twice(&self) -> bool {
        // A set, not two loops: a header of 16 kB has room for thousands of members.
        let mut seen = HashSet::with_capacity(self.0.len());
        !self.0.iter().all(|(name, _)| seen.insert(name))
    }

    pub(crate) fn into_vec(self) -> Vec<(String, Value)> {
        self.0
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once() {
        for (json, twice) in [
            (r"{}", Some(false)),
            (r#"{"a":1,"b":{"a":1,"a":2}}"#, Some(false)), // only the outer object is ours
            (r#"{"a":1,"a":1}"#, Some(true)),
            (r#"{"a":1,"b":2,"\u0061":3}"#, Some(true)),
            (r"[]", None),
            (r#""a""#, None),
            (r"null", None),
            (r#"{"a":1}{"#, None),
            ("", None),
        ] {
            let found = Members::read(json.as_bytes()).map(|members| members.any_twice());
            assert_eq!(found, twice, "{json}");
        }
    }
}
